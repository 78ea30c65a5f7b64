"""What goes over the wire for each operation: counted on the real hub, the real bridge, a card.

How long a way takes is not looked at, only how often it is gone: that decides on a slow link.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from reader_bridge.card.connection import CardConnection
from reader_bridge.prompter import OperationWaiting, PinKind, PrompterEvent
from reader_bridge.protocol import Operation, ProgressStep
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import VirtualReader
from services.bridge.operations.task import CardTask
from services.storage.database import Database
from tests.reader_bridge.scripted_prompter import ScriptedPrompter
from tests.services.bridge.at_pc import dials, somebody
from tests.services.bridge.over_link import (
    PASSPHRASE,
    Chat,
    has_a_card,
    listens,
    opened,
    url_of,
)

PIN = b"first123"
READ_AFRESH = (Operation.CARD_STATUS, Operation.READ_CERTIFICATE)
SET_PIN = [
    "start",
    "progress",
    "admin_challenge",
    "admin_cryptogram",
    "admin_answer",
    "admin_verified",
    "result",
]
FIRST_IN_SESSION = ["start", "progress", *SET_PIN[1:]]
"""With one consent more: whether cards may be looked at."""
MOST = 8


class CountingReader(VirtualReader):
    """A reader that counts commands.

    :ivar extended_length: whether it carries long ones; where not, they are cut into parts.
    """

    commands = 0
    extended_length = True

    def connect(self, reader: str, *, exclusive: bool = False) -> CardConnection:
        connection = super().connect(reader, exclusive=exclusive)
        connection.extended_length = self.extended_length
        return connection

    def transmit(self, card: object, apdu: bytearray) -> bytes:
        self.commands += 1
        return super().transmit(card, apdu)  # type: ignore[arg-type]


@asynccontextmanager
async def paired_pc(chat: Chat, readers: CountingReader) -> AsyncIterator[ScriptedPrompter]:
    person = somebody(await chat.code(), PIN)
    dialling = asyncio.ensure_future(dials(url_of(chat), readers, person))
    try:
        await chat.pairs()
        yield person
    finally:
        dialling.cancel()
        await asyncio.gather(dialling, return_exceptions=True)


async def test_how_much_is_said(folder: Path, migrated_file: Path) -> None:
    path = folder / "kaika.db"
    path.write_bytes(migrated_file.read_bytes())
    async with opened(Database(f"sqlite+aiosqlite:///{path}"), folder) as world:
        someone = await has_a_card(world)
        card = VirtualCard.insert(someone.card_file, PASSPHRASE)
        readers = CountingReader(card)
        async with listens(world, someone) as chat:
            async with paired_pc(chat, readers) as person:
                await _first_of_all(chat, CardTask.ACTIVATE)
                await _wrong_twice(chat, person)
                for work, messages in ((CardTask.CHANGE_PIN, 4), (CardTask.UNLOCK, MOST)):
                    await _card_comes_late(chat, person, readers, card, work)
                    assert len(chat.link.frames) == messages
                long = await _each(chat, readers, card)
                known = await _each(chat, readers)
                readers.extended_length = False
                short = await _each(chat, readers, card)
            async with paired_pc(chat, readers):
                await _first_of_all(chat, CardTask.UNLOCK)
            for work in (CardTask.ACTIVATE, CardTask.UNLOCK):
                async with paired_pc(chat, readers) as person:
                    await _card_comes_late(chat, person, readers, card, work)
                    _is_first_in_session(chat)
        card.close()
    at_work = [work for work in CardTask if work is not CardTask.LIST_READERS]
    assert all(short[work] > long[work] for work in at_work), "the messages were the same"
    with_pin = [work for work in at_work if work.operation not in READ_AFRESH]
    assert all(long[work] > known[work] for work in with_pin), "what is known is not read again"


async def _first_of_all(chat: Chat, work: CardTask) -> None:
    """Set the PIN of a card that was never looked at."""
    await chat.has_done(work, await chat.grant(work))
    _is_first_in_session(chat)


def _is_first_in_session(chat: Chat) -> None:
    assert chat.link.kinds == FIRST_IN_SESSION
    assert len(chat.link.frames) == MOST
    assert chat.link.round_trips == 3


async def _wrong_twice(chat: Chat, person: ScriptedPrompter) -> None:
    """Type two wrong PINs before the right one: the second is told to the person alone."""
    person.will_type(PinKind.CURRENT, b"wrong123", b"wrong456", PIN)
    await chat.has_done(CardTask.PROVE_POSSESSION)
    assert chat.link.kinds == ["start", "progress", "progress", "result"]


async def _card_comes_late(
    chat: Chat,
    person: ScriptedPrompter,
    readers: CountingReader,
    card: VirtualCard,
    work: CardTask,
) -> None:
    """Ask for something while the reader is empty: the most that is ever said."""
    readers.pull()
    person.shown.clear()
    asked = asyncio.ensure_future(chat.has_done(work, await chat.grant(work)))
    await person.wait_until(lambda: any(_waits_for_card(event) for event in person.shown))
    readers.insert(card)
    await asked


def _waits_for_card(event: PrompterEvent) -> bool:
    return isinstance(event, OperationWaiting) and event.step is ProgressStep.WAITING_FOR_CARD


async def _each(
    chat: Chat, readers: CountingReader, fresh: VirtualCard | None = None
) -> dict[CardTask, int]:
    """Do everything once; gives how many commands the card got.

    :param fresh: a card that is put in before each.
    """
    commands = {}
    for work in CardTask:
        if fresh is not None:
            readers.insert(fresh)
        before = readers.commands
        await chat.has_done(work, await chat.grant(work))
        commands[work] = readers.commands - before
        if work.purpose is None:
            assert chat.link.kinds in (["start", "result"], ["start", "progress", "result"])
            assert chat.link.round_trips == 1
        else:
            assert chat.link.kinds == SET_PIN
            assert chat.link.round_trips == 3
    return commands
