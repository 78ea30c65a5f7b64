"""The operations that only read. They need no PIN and spend no try."""

from reader_bridge.card.connection import readable_name
from reader_bridge.card.profiles.base import CardCapability, TryCounter
from reader_bridge.operations.card_discovery import find_card
from reader_bridge.operations.consent import ensure_reading_allowed
from reader_bridge.operations.context import OperationContext
from reader_bridge.operations.failures import operation_failure
from reader_bridge.operations.found_card import FoundCard, can_be_used_for
from reader_bridge.protocol.enums import Operation
from reader_bridge.protocol.failure_codes import FailureCode
from reader_bridge.protocol.operation_payloads import (
    CardReport,
    CertificateCopy,
    ListReaders,
    ReadCardStatus,
    ReadCertificate,
    ReaderEntry,
    ReaderList,
    Tries,
)

MAX_READERS = 16


async def list_readers(context: OperationContext, _: ListReaders) -> ReaderList:
    """Return the readers of this machine."""
    await ensure_reading_allowed(context)
    states = await context.run_read(context.readers.list_readers)
    return ReaderList(
        tuple(
            ReaderEntry(readable_name(each.name), each.card_present, each.in_use, each.mute)
            for each in states[:MAX_READERS]
        )
    )


async def read_card_status(context: OperationContext, parameters: ReadCardStatus) -> CardReport:
    """Return what the card says without a PIN."""
    await ensure_reading_allowed(context)
    card = await find_card(context, parameters.reader, reread=True)
    status = card.status
    return CardReport(
        reader=readable_name(card.reader_state.name),
        profile=card.profile_name,
        card_serial=card.serial,
        card_number=status.card_number,
        pin=_tries_of(status.pin),
        puk=_tries_of(status.puk),
        admin=_tries_of(status.admin),
        certificates=status.certificates,
        possible=_possible_operations(card),
    )


async def read_certificate(
    context: OperationContext, parameters: ReadCertificate
) -> CertificateCopy:
    """Return a certificate of the card."""
    await ensure_reading_allowed(context)
    card = await find_card(context, parameters.reader, parameters.role, reread=True)
    card.require(CardCapability.READ_CERTIFICATE)
    if card.certificate is None:
        raise operation_failure(FailureCode.CERTIFICATE_MISSING)
    return CertificateCopy(parameters.role, card.certificate)


def _tries_of(counter: TryCounter | None) -> Tries | None:
    return Tries(counter.remaining, counter.limit) if counter else None


def _possible_operations(card: FoundCard) -> tuple[Operation, ...]:
    return tuple(
        operation for operation in Operation if can_be_used_for(card.status.capabilities, operation)
    )
