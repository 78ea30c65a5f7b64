"""Stored conversations: of processes that take the same step one acts; old data is erased."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.conversations import (
    EXPIRED,
    ConversationChangedError,
    ConversationState,
    ConversationStore,
)
from services.storage.database import Database
from tests.first_start import place_database

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BEGUN = ConversationState(7, 7, "suspend", "which", NOW + timedelta(days=2), data={"a": "1"})

PROCESS = """
import asyncio, sys
from dataclasses import replace
from services.conversations import ConversationChangedError, ConversationStore
from services.storage.database import Database

async def act(url):
    database = Database(url)
    store = ConversationStore(database)
    async with database.unit_of_work() as session:
        seen = await store.find(session, 7, 7)
    print("seen", flush=True)
    sys.stdin.readline()
    try:
        async with database.unit_of_work() as session:
            await store.save(session, replace(seen, step="ready"))
        print("acted", flush=True)
    except ConversationChangedError:
        print("changed", flush=True)
    await database.close()

asyncio.run(act(sys.argv[1]))
"""


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    place_database(tmp_path / "kaika.db")
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'kaika.db'}")
    yield database
    await database.close()


async def saved(database: Database, state: ConversationState) -> ConversationState:
    async with database.unit_of_work() as session:
        return await ConversationStore(database).save(session, state)


async def found(database: Database) -> ConversationState | None:
    async with database.unit_of_work() as session:
        return await ConversationStore(database).find(session, 7, 7)


async def test_what_was_saved_is_found_with_a_version(database: Database) -> None:
    assert await found(database) is None
    first = await saved(database, BEGUN)
    assert first == replace(BEGUN, version=1)
    assert await found(database) == first
    second = await saved(database, replace(first, step="ready", history=("suspend/which",)))
    assert second.version == 2
    assert await found(database) == second


async def test_an_old_version_changes_nothing(database: Database) -> None:
    first = await saved(database, BEGUN)
    second = await saved(database, replace(first, step="ready"))
    for old in (first, BEGUN):
        with pytest.raises(ConversationChangedError):
            await saved(database, replace(old, step="fax"))
    assert await found(database) == second


async def test_of_two_processes_that_take_the_same_tap_one_acts(database: Database) -> None:
    first = await saved(database, BEGUN)
    command = (sys.executable, "-c", PROCESS, str(database.url))
    pipe = asyncio.subprocess.PIPE
    both = [
        await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe) for _ in range(2)
    ]
    for process in both:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"seen\n"
    ends = await asyncio.gather(*(process.communicate(b"\n") for process in both))
    assert sorted(out for out, _ in ends) == [b"acted\n", b"changed\n"]
    after = await found(database)
    assert after is not None
    assert (after.step, after.version) == ("ready", first.version + 1)


async def test_memory_knows_who_has_one_open_also_after_a_restart(database: Database) -> None:
    store = ConversationStore(database)
    assert not store.may_be_open(7, 7)
    state = await saved(database, BEGUN)
    store.remember(state)
    assert store.may_be_open(7, 7)

    again = ConversationStore(database)
    await again.load_open()
    assert again.may_be_open(7, 7)
    assert not again.may_be_open(7, 8)
    again.remember(await saved(database, replace(state, is_open=False)))
    assert not again.may_be_open(7, 7)
    await again.load_open()
    assert not again.may_be_open(7, 7)


async def test_what_rested_too_long_is_closed_and_emptied_once(database: Database) -> None:
    await saved(database, replace(BEGUN, history=("suspend/which",)))
    store = ConversationStore(database)
    for now in (NOW, NOW + timedelta(days=3), NOW + timedelta(days=4)):
        async with database.unit_of_work() as session:
            await store.close_expired(session, now)
        state = await found(database)
        assert state is not None
        if now == NOW:
            assert state.is_open
        else:
            assert (state.step, state.is_open, state.version) == (EXPIRED, False, 2)
            assert not state.history
            assert not state.data
