"""The program itself while people use it and what it rests on fails: everything agrees afterwards.

What takes a minute or more runs by `make faults` only.
"""

import asyncio
import os
import random
import resource
import signal
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.bot.kaika_program import KaikaProgram
from tests.bot.kill_harness import disturb_people
from tests.faults.mixed_load import MixedKillTestWorld
from tests.services.authority.postgres import PostgresServer

PEOPLE = 12
CALLS = 10
"""The bot's calls after which something fails."""
SHORT, LONG = 3.0, 60.0
NOTICED = 10.0
"""Seconds within which the log says what is wrong with the database."""
PAGE = 4096
BTREE_PAGES = (2, 5, 10, 13)
"""First byte of a page of a table or index; pages of other kinds hold only content."""
NONSENSE = b"\xff" * PAGE
Disturb = Callable[[KaikaProgram, MixedKillTestWorld], Awaitable[None]]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of PostgreSQL of their own."""
    running = PostgresServer()
    yield running
    running.stop()


async def check_with(folder: Path, disturb: Disturb, url: str | None = None) -> None:
    """Disturb the program in the middle of what people do, and check everything."""
    seed = random.SystemRandom().randrange(10**9)
    url = url or f"sqlite+aiosqlite:///{folder / 'kaika.db'}"
    town = MixedKillTestWorld(url, folder, random.Random(seed))  # noqa: S311

    async def start_and_disturb(program: KaikaProgram, town: MixedKillTestWorld) -> None:
        town.expect_start()
        await program.start()
        await town.wait_until_up()
        await town.wait_for_calls(CALLS)
        began = time.monotonic()
        await disturb(program, town)
        town.interrupt(2 + int(time.monotonic() - began))  # tried again once a second at most
        await town.wait_for_calls(CALLS)

    await disturb_people(url, folder, PEOPLE, town, start_and_disturb, seed)


@contextmanager
def stopped(program: KaikaProgram) -> Iterator[None]:
    """Have the system stop the process while the block runs."""
    assert program.process is not None
    os.kill(program.process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(program.process, signal.SIGCONT)


def freezing(seconds: float) -> Disturb:
    """Have the system stop the process for so long."""

    async def freeze(program: KaikaProgram, _town: MixedKillTestWorld) -> None:
        with stopped(program):
            await asyncio.sleep(seconds)

    return freeze


def locking(seconds: float) -> Disturb:
    """Have another program lock the file for so long."""

    async def lock(_program: KaikaProgram, town: MixedKillTestWorld) -> None:
        with closing(sqlite3.connect(town.folder / "kaika.db", isolation_level=None)) as other:
            other.execute("PRAGMA busy_timeout = 10000")
            other.execute("BEGIN IMMEDIATE")
            await asyncio.sleep(seconds)
            other.execute("ROLLBACK")

    return lock


async def fill_disk(program: KaikaProgram, town: MixedKillTestWorld) -> None:
    """Let no file grow any more for some seconds, also not the log."""
    assert program.process is not None
    before = resource.prlimit(program.process, resource.RLIMIT_FSIZE)
    smallest = min((town.folder / name).stat().st_size for name in ("kaika.db-wal", "log"))
    resource.prlimit(program.process, resource.RLIMIT_FSIZE, (smallest, before[1]))
    await asyncio.sleep(SHORT)
    resource.prlimit(program.process, resource.RLIMIT_FSIZE, before)


def damage(path: Path) -> dict[int, bytes]:
    """Overwrite the pages of tables and indexes with nonsense, and return what they held."""
    kept = {}
    with path.open("r+b") as file:
        for at in range(PAGE, path.stat().st_size, PAGE):
            file.seek(at)
            page = file.read(PAGE)
            if page[0] in BTREE_PAGES:
                kept[at] = page
                file.seek(at)
                file.write(NONSENSE)
    return kept


def restore(path: Path, kept: dict[int, bytes]) -> None:
    """Put back those pages that nobody has written meanwhile."""
    with path.open("r+b") as file:
        for at, page in kept.items():
            file.seek(at)
            if file.read(PAGE) == NONSENSE:
                file.seek(at)
                file.write(page)


def wait_for_log(log: Path, text: bytes) -> None:
    """Wait until a text is in the log.

    :raises AssertionError: where it is not within `NOTICED` seconds.
    """
    end = time.monotonic() + NOTICED
    while text not in log.read_bytes():
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)


async def damage_pages(program: KaikaProgram, town: MixedKillTestWorld) -> None:
    """Have the disk return nonsense for most of the database for some seconds."""
    path = town.folder / "kaika.db"
    with stopped(program):
        kept = damage(path)
    assert len(kept) > 20
    await asyncio.to_thread(wait_for_log, program.log, b"database disk image is malformed")
    await asyncio.sleep(SHORT)
    with stopped(program):
        restore(path, kept)


async def refuse_mail(_program: KaikaProgram, town: MixedKillTestWorld) -> None:
    """Have the mail server refuse, then say nothing, then be back."""
    port = town.mailboxes.port
    await town.mailboxes.stop()
    await asyncio.sleep(SHORT)
    town.mailboxes.answers.clear()
    await town.mailboxes.start(port)
    await asyncio.sleep(SHORT)
    town.mailboxes.answers.set()


async def test_a_full_disk(tmp_path: Path) -> None:
    await check_with(tmp_path, fill_disk)


@pytest.mark.slow_faults
async def test_a_file_whose_pages_are_damaged_and_restored(tmp_path: Path) -> None:
    await check_with(tmp_path, damage_pages)


@pytest.mark.slow_faults
async def test_a_file_that_is_locked_for_a_minute(tmp_path: Path) -> None:
    await check_with(tmp_path, locking(LONG))


@pytest.mark.slow_faults
async def test_a_mail_server_that_refuses_and_hangs(tmp_path: Path) -> None:
    await check_with(tmp_path, refuse_mail)


@pytest.mark.slow_faults
@pytest.mark.parametrize("system", ["sqlite", "postgresql"])
async def test_a_process_that_is_frozen_for_a_minute(
    system: str, tmp_path: Path, server: PostgresServer
) -> None:
    url = server.create("frozen") if system == "postgresql" else None
    await check_with(tmp_path, freezing(LONG), url)


@pytest.mark.slow_faults
async def test_a_server_whose_backends_are_killed_again_and_again(
    tmp_path: Path, server: PostgresServer
) -> None:
    url = server.create("backends")

    async def kill_backends(_program: KaikaProgram, town: MixedKillTestWorld) -> None:
        for _ in range(20):
            await town.wait_for_calls(CALLS)
            await asyncio.to_thread(server.kill_backends, "backends")

    await check_with(tmp_path, kill_backends, url)


@pytest.mark.slow_faults
async def test_a_server_that_crashes_and_comes_back(tmp_path: Path, server: PostgresServer) -> None:
    url = server.create("crashing")

    async def crash(_program: KaikaProgram, town: MixedKillTestWorld) -> None:
        for _ in range(3):
            server.crash()
            await asyncio.sleep(SHORT)
            server.launch()
            await asyncio.to_thread(server.wait_until_ready)
            await town.wait_for_calls(CALLS)

    await check_with(tmp_path, crash, url)
