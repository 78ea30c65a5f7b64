"""Database: pragmas, one transaction per unit of work, keys, migrations."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, StatementError

from services import jobs
from services.faq import unanswered
from services.people.languages import LanguagePreferences
from services.storage import keys
from services.storage.database import Base, Database
from services.storage.models import ChatRow, Job, PersonRow
from services.storage.upgrade import DatabaseOutdatedError, ensure_current, head_revision
from tests.first_start import place_database

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    place_database(tmp_path / "kaika.db")
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'kaika.db'}")
    yield database
    await database.close()


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 1), ("foreign_keys", 1), ("secure_delete", 1)],
)
async def test_pragmas_are_on(database: Database, pragma: str, value: object) -> None:
    async with database.unit_of_work() as session:
        assert (await session.execute(text(f"PRAGMA {pragma}"))).scalar() == value


async def test_a_new_database_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "kaika.db"
    database = Database(f"sqlite+aiosqlite:///{path}")
    async with database.unit_of_work() as session:
        await session.execute(text("CREATE TABLE some (thing)"))
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
        assert path.parent.stat().st_mode & 0o777 == 0o700
    await database.close()
    assert modes == dict.fromkeys(["kaika.db", "kaika.db-wal", "kaika.db-shm"], 0o600)
    path.chmod(0o640)  # as an operator may want it
    database = Database(f"sqlite+aiosqlite:///{path}")
    async with database.unit_of_work():
        assert path.stat().st_mode & 0o777 == 0o640
    await database.close()


async def test_a_database_that_everybody_can_read_is_taken_from_them(tmp_path: Path) -> None:
    path = tmp_path / "kaika.db"
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).touch(mode=0o644)
    await Database(f"sqlite+aiosqlite:///{path}").close()
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


async def test_a_unit_of_work_that_raises_leaves_nothing(database: Database) -> None:
    async def fail_halfway() -> None:
        async with database.unit_of_work() as session:
            session.add(ChatRow(chat_id=1, kind="private", created_at=NOW))
            await session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_halfway()
    async with database.unit_of_work() as session:
        assert await session.get(ChatRow, 1) is None


async def test_what_only_reads_waits_for_no_writer_and_sees_what_is_committed(
    database: Database,
) -> None:
    async with database.unit_of_work() as writing:
        writing.add(ChatRow(chat_id=1, kind="private", created_at=NOW))
        await writing.flush()
        async with database.reading() as reading:
            assert await reading.get(ChatRow, 1) is None
    async with database.reading() as reading:
        assert await reading.get(ChatRow, 1) is not None


async def test_what_everybody_waits_for_goes_before_the_other_writers(database: Database) -> None:
    order: list[str] = []

    async def write(name: str, is_urgent: bool) -> None:
        async with database.unit_of_work(is_urgent=is_urgent) as session:
            await session.execute(text("SELECT 1"))
            order.append(name)

    async with asyncio.TaskGroup() as group, database.unit_of_work():
        for number in range(20):
            group.create_task(write("usual", is_urgent=False))
            if number == 10:
                group.create_task(write("urgent", is_urgent=True))
        await asyncio.sleep(0)
    assert order.index("urgent") <= 1, "one that was next keeps its place"
    assert len(order) == 21


async def test_moments_keep_their_zone_and_naive_ones_are_refused(database: Database) -> None:
    async with database.unit_of_work() as session:
        session.add(PersonRow(user_id=1, created_at=NOW.astimezone()))
    async with database.unit_of_work() as session:
        person = await session.get(PersonRow, 1)
        assert person is not None
        assert person.created_at == NOW
    naive = PersonRow(user_id=2, created_at=NOW.replace(tzinfo=None))
    with pytest.raises(StatementError):
        await _store(database, naive)


async def _store(database: Database, row: Base) -> None:
    async with database.unit_of_work() as session:
        session.add(row)


async def test_the_migrations_lead_to_what_the_models_say(database: Database) -> None:
    async with database.engine.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), Base.metadata)
        )
    assert differences == []


async def test_an_old_database_is_refused_by_name(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'old.db'}")
    with pytest.raises(DatabaseOutdatedError) as caught:
        await ensure_current(database)
    assert (caught.value.found, caught.value.wanted) == (None, head_revision())
    await database.close()


async def test_a_language_is_remembered_over_a_restart(database: Database) -> None:
    first = LanguagePreferences(database)
    await first.choose(7, "zh_Hant", NOW)
    await first.choose(7, "zh_Hant", NOW)
    second = LanguagePreferences(database)
    await second.load()
    assert second.resolve(7, "en") == "zh_Hant"
    assert second.resolve(8, "zh-CN") == "zh_Hant"
    with pytest.raises(ValueError, match="unsupported language"):
        await first.choose(7, "tlh", NOW)


async def test_what_is_due_is_taken_once_and_again_when_its_taker_dies(
    database: Database,
) -> None:
    async with database.unit_of_work() as session:
        await jobs.schedule(session, "delete", "delete/1", NOW)
        await jobs.schedule(session, "delete", "delete/1", NOW)
        await jobs.schedule(session, "delete", "delete/2", NOW + timedelta(hours=1))
    async with database.unit_of_work() as session:
        assert [row.key for row in await jobs.lease_due(session, NOW)] == ["delete/1"]
        assert await jobs.lease_due(session, NOW) == []
    later = NOW + jobs.LEASE + timedelta(seconds=1)
    async with database.unit_of_work() as session:
        (row,) = await jobs.lease_due(session, later)
        assert row.attempts == 2
        await jobs.postpone(session, row, later)
        assert await jobs.lease_due(session, later) == []
    async with database.unit_of_work() as session:
        for row in await jobs.lease_due(session, NOW + timedelta(days=1)):
            await jobs.complete(session, row)
        assert (await session.execute(text("SELECT count(*) FROM due"))).scalar() == 0


async def test_a_thing_scheduled_anew_while_it_was_done_stays(database: Database) -> None:
    async with database.unit_of_work() as session:
        await jobs.schedule(session, "tidy", "tidy", NOW)
    async with database.unit_of_work() as session:
        (row,) = await jobs.lease_due(session, NOW)
    async with database.unit_of_work() as session:
        await jobs.complete(session, row)
        await jobs.schedule(session, "tidy", "tidy", NOW + timedelta(days=1))
    async with database.unit_of_work() as session:
        found = await session.get(Job, row.id) or (
            await jobs.lease_due(session, NOW + jobs.LEASE * 999)
        )
        assert found
        await jobs.cancel(session, "tidy")
        await jobs.cancel(session, "tidy")


async def test_unanswered_questions_are_counted_without_what_tells_who_asked(
    database: Database,
) -> None:
    async with database.unit_of_work() as session:
        for question in (
            "Where is the zoo?",
            "where is  the ZOO ",
            "Mail me at a@b.tw, 0912345678",
        ):
            await unanswered.record_question(session, question, "en", NOW)
        await unanswered.record_question(session, "???", "en", NOW)
        found = await unanswered.most_asked(session)
    assert [(row.question, row.count) for row in found] == [
        ("where is the zoo", 2),
        ("mail me at <mail>, <number>", 1),
    ]


@given(st.text(max_size=2000))
def test_normalising_is_bounded_and_stable(question: str) -> None:
    once = unanswered.normalise(question)
    assert len(once) <= unanswered.LONGEST


def test_a_sealed_value_opens_only_in_its_place(tmp_path: Path) -> None:
    ring = keys.load_or_create(tmp_path / "keys.json")
    sealed = ring.seal("統一證號".encode(), "people/1")
    assert ring.unseal(sealed, "people/1").decode() == "統一證號"
    for broken, place in [(sealed, "people/2"), (sealed[:-1], "people/1"), (b"", "people/1")]:
        with pytest.raises(keys.UnsealError):
            ring.unseal(broken, place)
    assert "•••" in repr(ring)


def test_the_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "keys.json"
    first = keys.load_or_create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert keys.load_or_create(path).unseal(first.seal(b"x", "p"), "p") == b"x"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"current": "k1", "keys": {"k1": "zz"}}',
        '{"current": "k1", "keys": {"k1": "00"}}',
        '{"current": "k2", "keys": {}}',
        "\udcff",
    ],
)
def test_a_broken_key_file_is_named_and_not_shown(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(content.encode(errors="surrogateescape"))
    path.chmod(0o600)
    with pytest.raises(keys.KeyFileError) as caught:
        keys.load_or_create(path)
    assert str(path) in str(caught.value)


def test_a_key_file_others_can_read_is_refused_with_the_fix(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    keys.load_or_create(path)
    path.chmod(0o644)
    with pytest.raises(keys.KeyFileError, match="chmod 600"):
        keys.load_or_create(path)
    assert json.loads(path.read_text())["current"] not in {"", None}


async def test_what_was_deleted_is_not_in_the_file(database: Database, tmp_path: Path) -> None:
    async with database.unit_of_work() as session:
        await unanswered.record_question(session, "purple zebra", "en", NOW)
    async with database.unit_of_work() as session:
        await session.execute(text("DELETE FROM unanswered_questions"))
    await database.close()
    with sqlite3.connect(tmp_path / "kaika.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"zebra" not in (tmp_path / "kaika.db").read_bytes()


async def test_an_error_does_not_show_what_was_stored(database: Database) -> None:
    await _store(database, PersonRow(user_id=1, created_at=NOW))
    again = PersonRow(user_id=1, language="zebra", created_at=NOW)
    with pytest.raises(IntegrityError) as caught:
        await _store(database, again)
    assert "zebra" not in str(caught.value)
