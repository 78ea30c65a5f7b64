"""What every card profile offers: verbs, and a typed refusal for each verb a card does not have."""

import abc
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, NoReturn

from reader_bridge.card.certificate import KeyRole
from reader_bridge.card.channel import CardChannel
from reader_bridge.card.errors import PinFormatError, PinOperationRefusedError


class ProfileName(StrEnum):
    """The card applications that are recognised."""

    GIDS = "gids"
    PIV = "piv"
    MOICA = "moica"
    UNKNOWN = "unknown"


class Verb(StrEnum):
    """What a profile may be asked for, beyond saying what it is."""

    READ_CERTIFICATE = "read_certificate"
    SIGN = "sign"
    VERIFY_PIN = "verify_pin"
    CHANGE_PIN = "change_pin"
    SET_PIN_AS_ADMIN = "set_pin_as_admin"
    UNLOCK_WITH_PUK = "unlock_with_puk"


@dataclass(frozen=True, slots=True)
class TryCounter:
    """How many tries a PIN, PUK or key has left.

    :ivar remaining: `None` where the card does not say.
    :ivar limit: how many there are after a right entry; `None` where the card does not say.
    :ivar verified: the last entry was right, so that all tries are there.
    """

    remaining: int | None
    limit: int | None = None
    verified: bool = False

    @property
    def blocked(self) -> bool:
        """Whether no try is left."""
        return self.remaining == 0

    @property
    def last(self) -> bool:
        """Whether the next wrong entry could be the last."""
        return self.remaining == 1 or (self.remaining is None and not self.verified)


@dataclass(frozen=True, slots=True)
class PinRules:
    """What a PIN of the card may look like. Checked before the card sees it."""

    shortest: int
    longest: int
    digits_only: bool = False

    def check(self, pin: bytearray) -> None:
        """Check the form of a PIN.

        :raises PinFormatError: the card was not asked.
        """
        printable = all(0x21 <= byte <= 0x7E for byte in pin)
        digits = not self.digits_only or all(0x30 <= byte <= 0x39 for byte in pin)
        if not (self.shortest <= len(pin) <= self.longest and printable and digits):
            raise PinFormatError(self.shortest, self.longest, self.digits_only)


@dataclass(frozen=True, slots=True)
class CardStatus:
    """What a card says of itself, without a PIN and without spending a try.

    :ivar serial: of the chip, as hex.
    :ivar card_number: IC card number (IC卡卡號), where the card tells it.
    :ivar admin: of the administrator's key.
    :ivar certificates: which are there.
    """

    profile: ProfileName
    verbs: frozenset[Verb] = frozenset()
    serial: str | None = None
    card_number: str | None = None
    pin: TryCounter | None = None
    puk: TryCounter | None = None
    admin: TryCounter | None = None
    certificates: tuple[KeyRole, ...] = field(default=())


class SignatureAlgorithm(StrEnum):
    """How a statement was signed, named as RFC 7518 §3.1 does."""

    RS256 = "RS256"
    ES256 = "ES256"
    ES384 = "ES384"


@dataclass(frozen=True, slots=True)
class StatementSignature:
    """A signature by the authentication key. ECDSA values are DER, as X9.62 has them."""

    algorithm: SignatureAlgorithm
    value: bytes


@dataclass(frozen=True, slots=True)
class AdminChallenge:
    """Both random values of an administrator's mutual authentication, 16 bytes each."""

    host: bytes
    card: bytes


class CardProfile(abc.ABC):
    """A card application. A verb it does not have is refused before anything is sent."""

    name: ClassVar[ProfileName]
    verbs: ClassVar[frozenset[Verb]] = frozenset()
    pin_rules: ClassVar[PinRules] = PinRules(6, 8)
    """Of a PIN that is set; 6 to 8 characters, docs/facts.md §1.4."""
    entry_rules: ClassVar[PinRules] = PinRules(4, 16)
    """Of a PIN that is entered: what outside of this can only be a slip spends no try."""

    def __init__(self, channel: CardChannel) -> None:
        self.channel = channel

    def recall(self, earlier: "CardProfile") -> None:  # noqa: B027
        """Take over what was read of this card over an earlier connection, to read it only once.

        Serial and tries are always read again; a card with another serial is read anew.
        """

    @abc.abstractmethod
    def status(self) -> CardStatus:
        """Say what can be said without a PIN. Spends no try."""

    def read_certificate(self, role: KeyRole = KeyRole.AUTHENTICATION) -> bytes:
        """Give the certificate of a key, as DER.

        :raises CertificateMissingError: where there is none.
        """
        self._refuse(Verb.READ_CERTIFICATE)

    def sign(self, statement: bytes) -> StatementSignature:
        """Sign a whole statement with the authentication key; hashed here, never by the caller.

        The PIN has to be verified on this connection before.
        """
        self._refuse(Verb.SIGN)

    def verify_pin(self, pin: bytearray, *, accept_last_try: bool = False) -> None:
        """Verify the PIN.

        :param accept_last_try: the person was told that it is the last, and agreed.
        :raises InvalidPinError: with the tries that are left.
        :raises PinBlockedError: there is no try left.
        :raises LastTryError: it would be the last; nothing was sent.
        :raises PinFormatError: it cannot be right; nothing was sent.
        """
        self._refuse(Verb.VERIFY_PIN)

    def change_pin(
        self, old_pin: bytearray, new_pin: bytearray, *, accept_last_try: bool = False
    ) -> None:
        """Change the PIN, with the one it is now. Raises as :meth:`verify_pin` does."""
        self._refuse(Verb.CHANGE_PIN)

    def begin_admin_authentication(self, host_challenge: bytes | None = None) -> AdminChallenge:
        """Ask the card for its challenge, as the first half of a mutual authentication.

        :param host_challenge: 16 bytes, from whoever holds the key; random without.
        :raises AdminTriesLowError: too few tries are left to dare one; nothing was sent.
        """
        self._refuse(Verb.SET_PIN_AS_ADMIN)

    def complete_admin_authentication(self, cryptogram: bytes) -> bytes:
        """Give the card the administrator's cryptogram; its answer proves the card to them.

        :raises OutOfOrderError: no challenge is open; nothing was sent.
        :raises AdminKeyRejectedError: the card refused it. Never tried again by itself.
        """
        self._refuse(Verb.SET_PIN_AS_ADMIN)

    def reset_retry_counter(self, new_pin: bytearray) -> None:
        """Set a new PIN with all its tries, after the administrator was authenticated.

        :raises OutOfOrderError: they are not; nothing was sent.
        """
        self._refuse(Verb.SET_PIN_AS_ADMIN)

    def unlock_with_puk(
        self, puk: bytearray, new_pin: bytearray, *, accept_last_try: bool = False
    ) -> None:
        """Set a new PIN with all its tries, by the PUK.

        :raises InvalidPukError: with the tries that are left.
        :raises PukBlockedError: there is no try left.
        """
        self._refuse(Verb.UNLOCK_WITH_PUK)

    def _refuse(self, verb: Verb) -> NoReturn:
        raise PinOperationRefusedError(self.name, verb)
