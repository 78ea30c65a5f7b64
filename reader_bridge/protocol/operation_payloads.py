"""The parameters and the result of each operation.

A server never names a command of the card, a file on it, or a value to be signed as it is.
"""

from dataclasses import dataclass
from typing import Annotated

from reader_bridge.protocol.codec import ListBounds
from reader_bridge.protocol.enums import (
    KeyRole,
    Operation,
    PinPurpose,
    ProfileName,
    SignatureAlgorithm,
)
from reader_bridge.protocol.fields import (
    CardNumber,
    CardSerial,
    Certificate,
    Nonce,
    ReaderName,
    Signature,
    TryCount,
)


@dataclass(frozen=True, slots=True)
class ListReaders:
    """List the readers. Waits for nothing."""


@dataclass(frozen=True, slots=True)
class ReadCardStatus:
    """Read what the card says without a PIN. Spends no try; waits for reader and card.

    :ivar reader: in which reader; without, in any.
    """

    reader: ReaderName | None = None


@dataclass(frozen=True, slots=True)
class ReadCertificate:
    """Read a certificate of the card.

    :ivar role: of which key.
    :ivar reader: in which reader.
    """

    role: KeyRole = KeyRole.AUTHENTICATION
    reader: ReaderName | None = None


@dataclass(frozen=True, slots=True)
class ProvePossession:
    """Sign the statement of possession with the authentication key. The person types the PIN.

    :ivar server_nonce: the server's half of what makes the statement fresh.
    :ivar purpose: where it is to find out how a `set_pin` ended that was interrupted.
    :ivar card_serial: the expected card, looked for in all readers; `wrong_card` where only others
        are there.
    :ivar reader: in which reader.
    """

    server_nonce: Nonce
    purpose: PinPurpose | None = None
    card_serial: CardSerial | None = None
    reader: ReaderName | None = None


@dataclass(frozen=True, slots=True)
class SetPin:
    """Set a new PIN with the issuer's consent: *authorised*. The person types the new PIN, twice.

    On a GIDS card the server sends the administrator's cryptogram; on a PIV card the person types
    the PUK, and only `unlock` is possible.

    :ivar purpose: what the person is told it is for.
    :ivar card_serial: the expected card, looked for in all readers; `wrong_card` where only others
        are there.
    :ivar server_nonce: for the receipt, which is a proof of possession of this operation.
    :ivar reader: in which reader.
    """

    purpose: PinPurpose
    card_serial: CardSerial
    server_nonce: Nonce
    reader: ReaderName | None = None


@dataclass(frozen=True, slots=True)
class ChangePin:
    """Change the PIN. The person types the current one and, twice, the new one.

    :ivar card_serial: the expected card, looked for in all readers; `wrong_card` where only others
        are there.
    :ivar reader: in which reader.
    """

    card_serial: CardSerial | None = None
    reader: ReaderName | None = None


Parameters = ListReaders | ReadCardStatus | ReadCertificate | ProvePossession | SetPin | ChangePin


@dataclass(frozen=True, slots=True)
class ReaderEntry:
    """A reader (讀卡機).

    :ivar name: as the operating system has it, without control characters.
    :ivar card_present: a card is in it.
    :ivar in_use: another program holds the card for itself.
    :ivar mute: the card does not answer: it was put in wrongly, or is broken.
    """

    name: ReaderName
    card_present: bool
    in_use: bool = False
    mute: bool = False


@dataclass(frozen=True, slots=True)
class ReaderList:
    """The result of `list_readers`.

    :ivar readers: at most 16.
    """

    readers: Annotated[tuple[ReaderEntry, ...], ListBounds(16)] = ()


@dataclass(frozen=True, slots=True)
class Tries:
    """The tries of a PIN, PUK or key.

    :ivar remaining: how many are left, where the card says so.
    :ivar limit: how many there are after a right entry, where the card says so.
    """

    remaining: TryCount | None = None
    limit: TryCount | None = None


@dataclass(frozen=True, slots=True)
class CardReport:
    """The result of `card_status`. What the card does not say is omitted.

    :ivar reader: the reader it is in.
    :ivar profile: what it was recognised as.
    :ivar card_serial: of the chip.
    :ivar card_number: IC card number, as the card says it; not proved.
    :ivar pin: tries of the PIN.
    :ivar puk: tries of the PUK.
    :ivar admin: tries of the administrator's key.
    :ivar certificates: which are there.
    :ivar possible: the operations this card can be used for.
    """

    reader: ReaderName
    profile: ProfileName
    card_serial: CardSerial | None = None
    card_number: CardNumber | None = None
    pin: Tries | None = None
    puk: Tries | None = None
    admin: Tries | None = None
    certificates: Annotated[tuple[KeyRole, ...], ListBounds(3)] = ()
    possible: Annotated[tuple[Operation, ...], ListBounds(6)] = ()


@dataclass(frozen=True, slots=True)
class CertificateCopy:
    """The result of `read_certificate`. It does not prove that the card has the key.

    :ivar role: of which key.
    :ivar certificate: as the card has it.
    """

    role: KeyRole
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of `prove_possession` and `set_pin`: a signed statement.

    The server builds the statement itself, from what it knows and these fields, and checks the
    signature against the certificate it has on record for this card.

    :ivar card_serial: of the chip that signed.
    :ivar bridge_nonce: the bridge's half of what makes the statement fresh.
    :ivar algorithm: how it was signed.
    :ivar signature: over the statement.
    :ivar certificate: of the authentication key, as the card has it.
    """

    card_serial: CardSerial
    bridge_nonce: Nonce
    algorithm: SignatureAlgorithm
    signature: Signature
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class PinChanged:
    """The result of `change_pin`.

    :ivar card_serial: of the chip, where the card tells it.
    """

    card_serial: CardSerial | None = None


ResultValue = ReaderList | CardReport | CertificateCopy | Receipt | PinChanged

PARAMETERS: dict[Operation, type[Parameters]] = {
    Operation.LIST_READERS: ListReaders,
    Operation.CARD_STATUS: ReadCardStatus,
    Operation.READ_CERTIFICATE: ReadCertificate,
    Operation.PROVE_POSSESSION: ProvePossession,
    Operation.SET_PIN: SetPin,
    Operation.CHANGE_PIN: ChangePin,
}
RESULT_VALUES: dict[Operation, type[ResultValue]] = {
    Operation.LIST_READERS: ReaderList,
    Operation.CARD_STATUS: CardReport,
    Operation.READ_CERTIFICATE: CertificateCopy,
    Operation.PROVE_POSSESSION: Receipt,
    Operation.SET_PIN: Receipt,
    Operation.CHANGE_PIN: PinChanged,
}


def operation_of(parameters: Parameters) -> Operation:
    """Return the operation that parameters belong to."""
    return next(name for name, kind in PARAMETERS.items() if type(parameters) is kind)
