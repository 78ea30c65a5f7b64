"""Discovery of the card that an operation is about."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from reader_bridge.card.connection import CardConnection, CardReaders, ReaderSnapshot
from reader_bridge.card.errors import CardRemovedError
from reader_bridge.card.profiles import identify
from reader_bridge.card.profiles.base import CardProfile
from reader_bridge.operations.card_search import CardSearch, MissingCard, WantedCard
from reader_bridge.operations.card_thread import CardCalls
from reader_bridge.operations.consent import choose_card
from reader_bridge.operations.context import OperationContext
from reader_bridge.operations.found_card import FoundCard, RecognisedCard
from reader_bridge.prompter import OperationWaiting
from reader_bridge.protocol.enums import KeyRole


async def find_card(
    context: OperationContext,
    reader: str | None,
    role: KeyRole | None = None,
    *,
    serial: str | None = None,
    reread: bool = False,
) -> FoundCard:
    """Find the card, waiting for it as long as the operation may take.

    The person chooses where several could be meant.

    :param reader: look in this reader only.
    :param role: whose certificate to read as well.
    :param serial: of the card that is meant.
    :param reread: read the card even if it is the one that was read last.
    :raises OperationFailedError: only another card is there, or the card does not respond.
    """
    wanted = WantedCard(context.operation, serial, reader, role)
    known = None if reread else context.session.last_card
    search = CardSearch(context.readers, context.card_calls, wanted, known)
    found = await _wait_for_card(context, search)
    if not isinstance(found, FoundCard):
        chosen = await choose_card(context, found)
        found = await context.run_read(partial(search.read_chosen, chosen))
    context.session.last_card = found
    return found


async def _wait_for_card(
    context: OperationContext, search: CardSearch
) -> FoundCard | tuple[RecognisedCard, ...]:
    changed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_change(_: ReaderSnapshot) -> None:
        loop.call_soon_threadsafe(changed.set)

    shown: MissingCard | None = None
    watch = None
    try:
        while True:
            changed.clear()
            found = await context.run_read(search.search)
            if not isinstance(found, MissingCard):
                return found
            if shown is None or found.step is not shown.step:
                await context.server.report_progress(found.step)
                shown = MissingCard(found.step)
            if found != shown:
                waiting = OperationWaiting(context.operation, found.step, found.occupied)
                context.prompter.show(waiting)
                shown = found
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
