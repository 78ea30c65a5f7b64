"""After a system life over a real reader, no PIN, no admin key and no code is anywhere.

Not in a frame of the link, a log of either side, the database with its log, or any other file, as
it is, as hex, in base64 at any place, or backwards. The virtual card's own file and the line to
the reader are left out: there the PIN belongs.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot import logs
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.prompter import PinRequest
from sandbox.engine import Engine
from tests.bot_harness import BotHarness
from tests.handlers.clock import NOW, set_time
from tests.handlers.conversations.online.bridge_harness import WRONG_PIN
from tests.handlers.conversations.online.cardholders import Office
from tests.handlers.engine.navigation import press
from tests.reader_bridge.card.pcsc_sandbox import PcscSandbox
from tests.reader_bridge.end_to_end.breakable_readers import BreakablePcscReader
from tests.reader_bridge.end_to_end.card_walk import FIRST, CardWalk, start_card_walk
from tests.reader_bridge.end_to_end.faults import (
    StartTask,
    activate,
    card_check,
    change_pin,
    unlock,
)
from tests.reader_bridge.end_to_end.whole_system import run_whole_system
from tests.reader_bridge.secret_forms import secret_forms

Haystack = Mapping[str, bytes]


def found(haystack: Haystack, secrets: set[bytes]) -> list[str]:
    """Return where a secret lies."""
    shapes = {form for secret in secrets for form in secret_forms(secret)}
    return [name for name, hay in haystack.items() if any(form in hay for form in shapes)]


async def lives(walk: CardWalk) -> set[bytes]:
    """Live a card's life; return every secret there was."""
    typed: set[bytes] = {FIRST, WRONG_PIN, walk.holder.code_text.encode()}
    ask = walk.prompter.ask_pin

    async def noted(request: PinRequest) -> SecretBuffer | None:
        answer = await ask(request)
        assert answer is not None
        typed.add(bytes(answer))
        return answer

    walk.prompter.ask_pin = noted  # type: ignore[method-assign]
    await does(walk, activate)
    typed.add(walk.holder.code_text.encode())
    walk.prompter.wrong_entries = 3
    await press(walk.person, await change_pin(walk))
    await walk.cards.wait_for_text(walk.person, "The PIN is locked")
    for work in (unlock, change_pin, card_check):
        await does(walk, work)
    return typed | {order.admin_key for order in walk.cards.office.maker.orders}


async def does(walk: CardWalk, work: StartTask) -> None:
    """Do something of the chat to its end."""
    await press(walk.person, await work(walk))
    await walk.follow_to_end()


async def test_nothing_secret_is_left_anywhere(
    engine: Engine,
    folder: Path,
    pcsc_sandbox: PcscSandbox,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    logs.configure("debug", "json", [])  # as the product does; `telegram` prints what is typed
    logging.getLogger().addHandler(caplog.handler)
    for name in (None, "aiohttp.access", "asyncio"):
        caplog.set_level(logging.DEBUG, name)
    reader = BreakablePcscReader(pcsc_sandbox)
    async with BotHarness.start(engine, folder, "embedded") as harness:
        set_time(harness, NOW)
        async with (
            run_whole_system(harness, Office.open_for(harness, folder)) as system,
            start_card_walk(system, reader) as walk,
        ):
            secrets = await lives(walk)
            await harness.run_due_jobs(walk.cards.now)
            written = {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
            said = "".join(str(m) for m in walk.person.messages).encode()
            frames = "\n".join(system.proxy.frames).encode()
    await reader.close()
    printed = capfd.readouterr()
    haystack = {
        **{name: hay for name, hay in written.items() if not name.startswith("card-")},
        "chat": said,
        "frames": frames,
        "log": caplog.text.encode(),
        "printed": (printed.out + printed.err).encode(),
    }
    assert len(secrets) >= 8
    assert found(haystack, secrets) == []
    _was_looked_through(haystack, secrets)


def _was_looked_through(haystack: Haystack, secrets: set[bytes]) -> None:
    """See that what was looked through is what it should be, and that the search finds."""
    there = {
        "frames": b"admin_cryptogram",
        "kaika.db": b"SQLite format 3",
        "kaika.db-wal": b"card_check",  # what was done last; the names of the tables are not in it
        "log": b"bot.app",
        "printed": b"ready",
    }
    for name, part in there.items():
        assert part in haystack[name], name
        around = haystack[name][:500]
        for secret in secrets:
            for form in secret_forms(secret):
                assert found({name: around + form + around}, {secret}) == [name]
