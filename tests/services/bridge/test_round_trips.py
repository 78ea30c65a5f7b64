"""Number of messages and round trips per operation, with the real hub, bridge and card.

Times are not measured: on a slow connection the number of round trips decides.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from reader_bridge.card.connection import CardConnection
from reader_bridge.prompter import OperationWaiting, PinKind, PrompterEvent
from reader_bridge.protocol import Operation, ProgressStep
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import VirtualConnection, VirtualReader
from services.bridge.operations.card_task import CardTask
from services.storage.database import Database
from tests.reader_bridge.scripted_prompter import ScriptedPrompter
from tests.services.bridge.real_bridge import run_bridge, scripted_person
from tests.services.bridge.websocket_harness import (
    PASSPHRASE,
    HubChatDriver,
    bridge_url,
    make_cardholder,
    open_authority,
    serve_hub,
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
"""With one more consent: whether cards may be read."""
FIRST_WITH_EMPTY_READER = ["start", "progress", *FIRST_IN_SESSION[1:]]
MOST = 8
"""Where nothing but the consents and the PIN was waited for."""


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

    def transmit(self, connection: VirtualConnection, apdu: bytearray) -> bytes:
        self.commands += 1
        return super().transmit(connection, apdu)


@asynccontextmanager
async def paired_pc(
    chat: HubChatDriver, readers: CountingReader
) -> AsyncIterator[ScriptedPrompter]:
    person = scripted_person(await chat.code(), PIN)
    dialling = asyncio.ensure_future(run_bridge(bridge_url(chat), readers, person))
    try:
        await chat.pairs()
        yield person
    finally:
        dialling.cancel()
        await asyncio.gather(dialling, return_exceptions=True)


async def test_how_much_is_said(folder: Path, migrated_file: Path) -> None:
    path = folder / "kaika.db"
    path.write_bytes(migrated_file.read_bytes())
    async with open_authority(Database(f"sqlite+aiosqlite:///{path}"), folder) as harness:
        someone = await make_cardholder(harness)
        card = VirtualCard.insert(someone.card_file, PASSPHRASE)
        readers = CountingReader(card)
        async with serve_hub(harness, someone) as chat:
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
                    assert chat.link.kinds == FIRST_WITH_EMPTY_READER
                    assert chat.link.round_trips == 3
        card.close()
    at_work = [work for work in CardTask if work is not CardTask.LIST_READERS]
    assert all(short[work] > long[work] for work in at_work), "the messages were the same"
    with_pin = [work for work in at_work if work.operation not in READ_AFRESH]
    assert all(long[work] > known[work] for work in with_pin), "what is known is not read again"


async def _first_of_all(chat: HubChatDriver, work: CardTask) -> None:
    """Set the PIN of a card that was never read before."""
    await chat.run_task(work, await chat.grant(work))
    assert chat.link.kinds == FIRST_IN_SESSION
    assert len(chat.link.frames) == MOST
    assert chat.link.round_trips == 3


async def _wrong_twice(chat: HubChatDriver, person: ScriptedPrompter) -> None:
    """Type two wrong PINs before the right one."""
    person.will_type(PinKind.CURRENT, b"wrong123", b"wrong456", PIN)
    await chat.run_task(CardTask.PROVE_POSSESSION)
    assert chat.link.kinds == ["start", "progress", "progress", "progress", "result"]


async def _card_comes_late(
    chat: HubChatDriver,
    person: ScriptedPrompter,
    readers: CountingReader,
    card: VirtualCard,
    work: CardTask,
) -> None:
    """Start with an empty reader."""
    readers.pull()
    person.shown.clear()
    asked = asyncio.ensure_future(chat.run_task(work, await chat.grant(work)))
    await person.wait_until(lambda: any(_waits_for_card(event) for event in person.shown))
    readers.insert(card)
    await asked


def _waits_for_card(event: PrompterEvent) -> bool:
    return isinstance(event, OperationWaiting) and event.step is ProgressStep.WAITING_FOR_CARD


async def _each(
    chat: HubChatDriver, readers: CountingReader, fresh: VirtualCard | None = None
) -> dict[CardTask, int]:
    """Run every task once, and return the number of commands to the card.

    :param fresh: a card that is put in before each.
    """
    commands = {}
    for work in CardTask:
        if fresh is not None:
            readers.insert(fresh)
        before = readers.commands
        await chat.run_task(work, await chat.grant(work))
        commands[work] = readers.commands - before
        if work.purpose is None:
            assert chat.link.kinds in (["start", "result"], ["start", "progress", "result"])
            assert chat.link.round_trips == 1
        else:
            assert chat.link.kinds == SET_PIN
            assert chat.link.round_trips == 3
    return commands
