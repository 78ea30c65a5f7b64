"""The inbox: nothing is acknowledged before it is stored, nothing is done twice or forgotten."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from services.messaging.inbox import RETENTION, Inbox
from services.storage import keys
from services.storage.database import Database
from services.storage.upgrade import upgrade


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'kaika.db'}")
    await upgrade(database)
    yield database
    await database.close()


@pytest.fixture
async def inbox(database: Database, tmp_path: Path) -> AsyncIterator[Inbox]:
    inbox = Inbox(database, keys.load_or_create(tmp_path / "keys.json"))
    async with inbox.running():
        yield inbox


def update(number: int, text: str = "zebra crossing") -> dict[str, Any]:
    return {"update_id": number, "message": {"text": text}}


async def test_what_was_put_is_there_until_done(inbox: Inbox) -> None:
    assert await inbox.store([update(1), update(2)]) == [update(1), update(2)]
    assert await inbox.load_unfinished() == [update(1), update(2)]
    inbox.mark_done(1)
    await inbox.store([update(3)])
    assert await inbox.load_unfinished() == [update(2), update(3)]
    assert await inbox.count_by_state() == {"new": 2, "done": 1, "failed": 0}


async def test_what_ended_a_moment_ago_is_not_taken_up_again(inbox: Inbox) -> None:
    await inbox.store([{"update_id": 1}, {"update_id": 2}, {"update_id": 3}])
    inbox.mark_done(1)
    inbox.mark_failed(2, "ValueError")
    assert [item["update_id"] for item in await inbox.load_unfinished()] == [3]


async def test_a_known_update_is_not_new_again(inbox: Inbox) -> None:
    await inbox.store([update(1)])
    inbox.mark_done(1)
    assert await inbox.store([update(1), update(2), update(2)]) == [update(2)]


async def test_many_senders_share_a_transaction_and_each_hears_of_its_own(inbox: Inbox) -> None:
    answers = await asyncio.gather(*(inbox.store([update(n), update(7)]) for n in range(20)))
    new = [item["update_id"] for answer in answers for item in answer]
    assert sorted(new) == list(range(20))


async def test_what_is_left_when_it_stops_is_written(database: Database, tmp_path: Path) -> None:
    first = Inbox(database, keys.load_or_create(tmp_path / "keys.json"))
    async with first.running():
        await first.store([update(1), update(2)])
        first.mark_done(1)
        first.mark_failed(2, "ValueError")
    assert await first.count_by_state() == {"new": 0, "done": 1, "failed": 1}


async def test_no_text_is_in_the_file_at_any_time(inbox: Inbox, tmp_path: Path) -> None:
    await inbox.store([update(1), update(2)])
    files = [path for path in tmp_path.iterdir() if path.name.startswith("kaika.db")]
    assert len(files) >= 2, "the write-ahead log is looked at too"
    assert not any(b"zebra" in path.read_bytes() for path in files)


async def test_a_done_or_failed_update_keeps_no_payload(inbox: Inbox, tmp_path: Path) -> None:
    await inbox.store([update(1), update(2)])
    inbox.mark_done(1)
    inbox.mark_failed(2, "ValueError")
    await inbox.store([update(3)])
    rows = sqlite3.connect(tmp_path / "kaika.db").execute(
        "SELECT update_id, payload IS NULL, error FROM inbox ORDER BY update_id"
    )
    assert rows.fetchall() == [(1, 1, None), (2, 1, "ValueError"), (3, 0, None)]


async def test_a_payload_whose_key_is_lost_waits_for_it_alone(
    inbox: Inbox, database: Database, tmp_path: Path
) -> None:
    await inbox.store([update(1)])
    other = Inbox(database, keys.load_or_create(tmp_path / "other.json"))
    async with other.running():
        await other.store([update(2)])
        assert await other.load_unfinished() == [update(2)]
    assert await inbox.load_unfinished() == [update(1)], "it may tell of money"
    assert await inbox.count_by_state() == {"new": 2, "done": 0, "failed": 0}


async def test_the_sender_is_told_when_nothing_could_be_stored(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await inbox.store([update(1)])
    commit = inbox._commit
    calls = []

    async def fail_once(work: Any) -> Any:
        calls.append(work)
        if len(calls) == 1:
            raise OperationalError("disk full", None, Exception())
        return await commit(work)

    monkeypatch.setattr(inbox, "_commit", fail_once)
    monkeypatch.setattr("services.messaging.inbox._RETRY_DELAY", 0)
    inbox.mark_done(1)
    with pytest.raises(OperationalError):
        await inbox.store([update(2)])
    assert await inbox.store([update(2)]) == [update(2)], "Telegram sends it again"
    assert (await inbox.count_by_state())["done"] == 1, "the mark was kept meanwhile"


async def test_old_ones_are_forgotten_but_never_an_unfinished_one(
    inbox: Inbox, database: Database
) -> None:
    await inbox.store([update(1), update(2)])
    inbox.mark_done(1)
    await inbox.store([update(3)])
    async with database.unit_of_work() as session:
        await inbox.delete_old(session, datetime.now(UTC) + RETENTION + timedelta(minutes=1))
    assert await inbox.count_by_state() == {"new": 2, "done": 0, "failed": 0}
