"""The inbox: nothing is acknowledged before it is stored, nothing is done twice or forgotten."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.messaging.inbox import KEPT_FAILED, MAX_CRASHES, RETENTION, Inbox
from services.messaging.update_json import UnreadableUpdate
from services.storage import keys
from services.storage.availability import DatabaseUnavailableError
from services.storage.database import Database
from tests.first_start import place_database
from tests.strict_supervisor import strict_supervisor


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    place_database(tmp_path / "kaika.db")
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'kaika.db'}")
    yield database
    await database.close()


@pytest.fixture
async def inbox(database: Database, tmp_path: Path) -> AsyncIterator[Inbox]:
    inbox = Inbox(database, keys.load_or_create(tmp_path / "keys.json"))
    async with inbox.running(strict_supervisor()):
        yield inbox


def update(number: int, text: str = "zebra crossing") -> dict[str, Any]:
    return {"update_id": number, "message": {"text": text}}


def rows(folder: Path, columns: str) -> list[tuple[Any, ...]]:
    """Return columns of the stored updates."""
    with closing(sqlite3.connect(folder / "kaika.db")) as connection:
        return connection.execute(f"SELECT {columns} FROM inbox ORDER BY update_id").fetchall()  # noqa: S608


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
    async with first.running(strict_supervisor()):
        await first.store([update(1), update(2)])
        first.mark_done(1)
        first.mark_failed(2, "ValueError")
    assert await first.count_by_state() == {"new": 0, "done": 1, "failed": 1}


async def test_no_text_is_in_the_file_at_any_time(inbox: Inbox, tmp_path: Path) -> None:
    await inbox.store([update(1), update(2)])
    files = [path for path in tmp_path.iterdir() if path.name.startswith("kaika.db")]
    assert len(files) >= 2, "the write-ahead log is looked at too"
    assert not any(b"zebra" in path.read_bytes() for path in files)


async def test_a_done_update_keeps_no_payload_and_a_failed_one_keeps_it_sealed(
    inbox: Inbox, tmp_path: Path
) -> None:
    await inbox.store([update(1), update(2), update(3)])
    inbox.mark_done(1)
    inbox.mark_failed(2, "ValueError")
    inbox.mark_failed(3, "ValueError", erase=True)
    await inbox.store([update(4)])
    assert rows(tmp_path, "update_id, payload IS NULL, error") == [
        (1, 1, None),
        (2, 0, "ValueError"),
        (3, 1, "ValueError"),
        (4, 0, None),
    ]
    files = [path for path in tmp_path.iterdir() if path.name.startswith("kaika.db")]
    assert not any(b"zebra" in path.read_bytes() for path in files)


@pytest.mark.parametrize(
    ("item", "kind", "chat"),
    [
        ({"message": {"chat": {"id": 7}, "from": {"id": 8}}}, "message", 7),
        (
            {"callback_query": {"from": {"id": 8}, "message": {"chat": {"id": 7}}}},
            "callback_query",
            7,
        ),
        ({"callback_query": {"from": {"id": 8}, "inline_message_id": "x"}}, "callback_query", 8),
        ({"message": {"chat": {"id": 7}, "successful_payment": {}}}, "successful_payment", 7),
        ({"message": {"chat": {"id": 1e30}}}, "message", None),
        ({"message": {"chat": [7]}, "zebra\0": {}}, "message", None),
        ({"Zebra\0": None}, "unknown", None),
        ({}, "unknown", None),
    ],
)
async def test_kind_and_chat_of_an_update_are_known_without_opening_it(
    inbox: Inbox, tmp_path: Path, item: dict[str, Any], kind: str, chat: int | None
) -> None:
    await inbox.store([{"update_id": 1, **item}])
    assert rows(tmp_path, "kind, chat_id") == [(kind, chat)]


async def test_what_cannot_be_read_is_set_aside_and_kept(inbox: Inbox, tmp_path: Path) -> None:
    nested, paid = b"[" * 2000, b'{"successful_payment"'
    items = [UnreadableUpdate(1, nested, "RecursionError"), UnreadableUpdate(2, paid, "ValueError")]
    assert await inbox.store([*items, update(3)]) == [update(3)]
    assert rows(tmp_path, "state, kind, error, payload IS NULL") == [
        ("failed", "unreadable", "RecursionError", 0),
        ("failed", "successful_payment", "ValueError", 0),
        ("new", "message", None, 0),
    ]
    assert await inbox.load_unfinished() == [update(3)]
    assert await inbox.store(items) == [], "Telegram sends it again"


async def test_a_payload_whose_key_is_lost_waits_for_it_alone(
    inbox: Inbox, database: Database, tmp_path: Path
) -> None:
    await inbox.store([update(1)])
    other = Inbox(database, keys.load_or_create(tmp_path / "other.json"))
    async with other.running(strict_supervisor()):
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
            raise DatabaseUnavailableError("disk full")
        return await commit(work)

    monkeypatch.setattr(inbox, "_commit", fail_once)
    monkeypatch.setattr("services.supervisor._FIRST_BACK_OFF", 0.0)
    inbox.mark_done(1)
    with pytest.raises(DatabaseUnavailableError):
        await inbox.store([update(2)])
    assert await inbox.store([update(2)]) == [update(2)], "Telegram sends it again"
    assert (await inbox.count_by_state())["done"] == 1, "the mark was kept meanwhile"


async def test_old_updates_are_deleted_but_no_unfinished_one_and_no_failed_payment(
    inbox: Inbox, database: Database, tmp_path: Path
) -> None:
    payment = {"update_id": 4, "message": {"successful_payment": {}}}
    await inbox.store([update(1), update(2), update(3), payment])
    inbox.mark_done(1)
    inbox.mark_failed(3, "ValueError")
    inbox.mark_failed(4, "ValueError")
    await inbox.store([update(5)])
    left = []
    for age in (RETENTION, KEPT_FAILED, timedelta(days=400)):
        async with database.unit_of_work() as session:
            await inbox.delete_old(session, datetime.now(UTC) + age + timedelta(minutes=1))
        left.append([number for (number,) in rows(tmp_path, "update_id")])
    assert left == [[2, 3, 4, 5], [2, 4, 5], [2, 4, 5]]


async def test_a_failed_payment_is_taken_up_again_and_nothing_else(inbox: Inbox) -> None:
    payment = {"update_id": 2, "message": {"successful_payment": {}}}
    await inbox.store([update(1), payment])
    inbox.mark_failed(1, "ValueError")
    inbox.mark_failed(2, "ValueError")
    await inbox.store([])
    assert await inbox.load_unfinished() == [payment]
    inbox.mark_done(2)
    await inbox.store([])
    assert await inbox.load_unfinished() == []


@pytest.mark.parametrize("part", [{}, {"successful_payment": {}}], ids=["text", "payment"])
async def test_what_ended_the_process_too_often_is_set_aside_and_kept(
    inbox: Inbox, tmp_path: Path, part: dict[str, Any]
) -> None:
    await inbox.store([{"update_id": 1, "message": part}, update(2)])
    for _ in range(MAX_CRASHES - 1):
        await inbox.count_crash(1)
    assert len(await inbox.load_unfinished()) == 2
    await inbox.count_crash(1)
    await inbox.count_crash(3)
    assert await inbox.load_unfinished() == [update(2)]
    assert rows(tmp_path, "state, error, crashes, payload IS NULL") == [
        ("failed", "ProcessEnded", MAX_CRASHES, 0),
        ("new", None, 0, 0),
    ]
