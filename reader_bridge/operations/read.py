"""The operations that read: `list_readers`, `card_status`, `read_certificate`. No PIN, no try."""

from reader_bridge.card.certificate import KeyRole as CardKeyRole
from reader_bridge.card.profiles.base import TryCounter, Verb
from reader_bridge.operations.card_discovery import FoundCard, find_card
from reader_bridge.operations.consent import allow_reading
from reader_bridge.operations.context import Errand
from reader_bridge.operations.failures import failed, shown_name
from reader_bridge.protocol.failures import FailureCode
from reader_bridge.protocol.operations import (
    CardReport,
    CertificateCopy,
    ListReaders,
    ReadCardStatus,
    ReadCertificate,
    Reader,
    ReaderList,
    Tries,
)
from reader_bridge.protocol.vocabulary import KeyRole, Operation

MOST_READERS = 16
NEEDS_ONE_OF: dict[Operation, frozenset[Verb]] = {
    Operation.READ_CERTIFICATE: frozenset({Verb.READ_CERTIFICATE}),
    Operation.PROVE_POSSESSION: frozenset({Verb.SIGN}),
    Operation.SET_PIN: frozenset({Verb.SET_PIN_AS_ADMIN, Verb.UNLOCK_WITH_PUK}),
    Operation.CHANGE_PIN: frozenset({Verb.CHANGE_PIN}),
}
"""What a card has to be able to do for an operation; the others need no card that is known."""


async def list_readers(errand: Errand, _: ListReaders) -> ReaderList:
    """Tell which readers there are."""
    await allow_reading(errand)
    states = await errand.read(errand.readers.list_readers)
    return ReaderList(
        tuple(
            Reader(shown_name(each.name), each.card_present, each.in_use, each.mute)
            for each in states[:MOST_READERS]
        )
    )


async def card_status(errand: Errand, wanted: ReadCardStatus) -> CardReport:
    """Tell what the card says without a PIN."""
    await allow_reading(errand)
    found = await find_card(errand, wanted.reader, afresh=True)
    status = found.status
    return CardReport(
        reader=shown_name(found.state.name),
        profile=found.profile,
        card_serial=found.serial,
        card_number=status.card_number,
        pin=_tries(status.pin),
        puk=_tries(status.puk),
        admin=_tries(status.admin),
        certificates=tuple(KeyRole(role.value) for role in status.certificates),
        possible=_possible(found),
    )


async def read_certificate(errand: Errand, wanted: ReadCertificate) -> CertificateCopy:
    """Give a certificate on the card."""
    await allow_reading(errand)
    found = await find_card(errand, wanted.reader, CardKeyRole(wanted.role.value), afresh=True)
    found.require(Verb.READ_CERTIFICATE)
    if found.certificate is None:
        raise failed(FailureCode.CERTIFICATE_MISSING)
    return CertificateCopy(wanted.role, found.certificate)


def _tries(counter: TryCounter | None) -> Tries | None:
    return Tries(counter.remaining, counter.limit) if counter else None


def _possible(found: FoundCard) -> tuple[Operation, ...]:
    verbs = found.status.verbs
    return tuple(
        operation
        for operation in Operation
        if operation not in NEEDS_ONE_OF or verbs & NEEDS_ONE_OF[operation]
    )
