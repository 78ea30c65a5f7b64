"""Discovery of the card that an operation is about."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from reader_bridge.card.connection import (
    CardConnection,
    CardReaders,
    ReaderSnapshot,
    ReaderState,
    readable_name,
)
from reader_bridge.card.errors import CardError, CardRemovedError
from reader_bridge.card.profiles import identify
from reader_bridge.card.profiles.base import CardCapability, CardProfile
from reader_bridge.operations.card_thread import CardCalls
from reader_bridge.operations.context import OperationContext
from reader_bridge.operations.failures import operation_failure
from reader_bridge.operations.found_card import FoundCard, chip_serial
from reader_bridge.protocol.enums import KeyRole, ProfileName, ProgressStep
from reader_bridge.protocol.failure_codes import FailureCode


async def find_card(
    context: OperationContext,
    reader: str | None,
    role: KeyRole | None = None,
    *,
    reread: bool = False,
) -> FoundCard:
    """Find the card, waiting for it as long as the operation may take.

    :param reader: look in this reader only.
    :param role: whose certificate to read as well.
    :param reread: read the card even if it is the one that was read last.
    :raises OperationFailedError: several cards could be meant, or the card does not respond.
    """
    reported = False
    changed = asyncio.Event()
    loop = asyncio.get_running_loop()

    known = None if reread else context.session.last_card
    attempt = partial(_search_readers, context.readers, context.card_calls, reader, role, known)

    def on_change(_: ReaderSnapshot) -> None:
        loop.call_soon_threadsafe(changed.set)

    watch = None
    try:
        while True:
            changed.clear()
            found = await context.run_read(attempt)
            if isinstance(found, FoundCard):
                context.session.last_card = found
                return found
            if not reported:
                reported = True
                await context.server.report_progress(found)
            if watch is None:
                watch = context.readers.watch(on_change)
                continue  # a card may have come before the watch began
            await changed.wait()
    finally:
        if watch is not None:
            context.card_calls.call_later(watch.close)


@contextmanager
def exclusive_access(
    readers: CardReaders, calls: CardCalls, card: FoundCard
) -> Iterator[CardProfile]:
    """Connect to the card for PIN work; no other program reaches it, and it is reset afterwards.

    :raises CardRemovedError: the card was swapped since it was found.
    """
    with calls.make_stoppable(
        readers.connect(card.reader_state.name, exclusive=True)
    ) as connection:
        yield reconnect(readers, connection, card)


def reconnect(readers: CardReaders, connection: CardConnection, card: FoundCard) -> CardProfile:
    """Recognise the card that was found before, over a new connection.

    :raises CardRemovedError: it is another card.
    """
    now = next(
        (each for each in readers.list_readers() if each.name == card.reader_state.name), None
    )
    if (
        now is None
        or now.changes != card.reader_state.changes
        or connection.atr != card.reader_state.atr
    ):
        raise CardRemovedError
    profile = identify(connection)
    if type(profile) is not type(card.profile):
        raise CardRemovedError
    profile.reuse(card.profile)
    return profile


def inspect_card(
    readers: CardReaders,
    calls: CardCalls,
    state: ReaderState,
    role: KeyRole | None,
    known: FoundCard | None,
) -> FoundCard:
    """Read what the card in a reader is, with reading commands only.

    :param known: the card that was read last; if it is the same one, little is read again.
    """
    if state.mute:
        raise operation_failure(FailureCode.CARD_MUTE, reader=readable_name(state.name))
    with calls.make_stoppable(readers.connect(state.name)) as connection:
        profile = identify(connection)
        if known is not None and known.is_still_in(state):
            profile.reuse(known.profile)
        status = profile.status()
        readable = role is not None and CardCapability.READ_CERTIFICATE in status.capabilities
        certificate = profile.read_certificate(role) if role and readable else None
        return FoundCard(state, profile, status, chip_serial(profile, status), certificate)


def _search_readers(
    readers: CardReaders,
    calls: CardCalls,
    reader: str | None,
    role: KeyRole | None,
    known: FoundCard | None,
) -> FoundCard | ProgressStep:
    """Return the card, or what to wait for. One call, because each costs a change of threads."""
    states = [each for each in readers.list_readers() if reader in (None, readable_name(each.name))]
    filled = tuple(each for each in states if each.card_present)
    if filled:
        return _single_card(readers, calls, filled, role, known)
    return ProgressStep.WAITING_FOR_CARD if states else ProgressStep.WAITING_FOR_READER


def _single_card(
    readers: CardReaders,
    calls: CardCalls,
    states: tuple[ReaderState, ...],
    role: KeyRole | None,
    known: FoundCard | None,
) -> FoundCard:
    if len(states) == 1:
        return inspect_card(readers, calls, states[0], role, known)
    recognised = []
    for state in states:
        try:
            found = inspect_card(readers, calls, state, role, known)
        except CardError:
            continue
        if found.status.profile is not ProfileName.UNKNOWN:
            recognised.append(found)
    if len(recognised) != 1:
        raise operation_failure(FailureCode.SEVERAL_CARDS)
    return recognised[0]
