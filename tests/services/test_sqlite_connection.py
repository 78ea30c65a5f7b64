"""Connections to SQLite: what comes back, and how often the thread is asked."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import CursorResult, text
from sqlalchemy.exc import IntegrityError

from services.storage import sqlite_connection
from services.storage.database import Database
from services.storage.sqlite_connection import SqliteConnection


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'kaika.db'}")
    async with database.unit_of_work() as session:
        await session.execute(text("CREATE TABLE note (id INTEGER PRIMARY KEY, words TEXT UNIQUE)"))
    yield database
    await database.close()


_SLOW_QUERY = """
WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number LIMIT 400000)
SELECT max(n) FROM number
"""


class _Requests:
    """Counts what is asked of the threads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        original: Callable[..., Awaitable[object]] = SqliteConnection._execute

        async def count(connection: SqliteConnection, *args: object) -> object:
            self.count += 1
            return await original(connection, *args)

        monkeypatch.setattr(SqliteConnection, "_execute", count)


async def test_a_statement_is_one_request(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = _Requests(monkeypatch)
    async with database.unit_of_work() as session:
        await session.execute(text("INSERT INTO note (words) VALUES ('a'), ('b')"))
        rows = (await session.execute(text("SELECT words FROM note ORDER BY id"))).all()
    assert [row.words for row in rows] == ["a", "b"]
    assert requests.count == 4  # BEGIN, INSERT, SELECT, COMMIT


async def test_many_parameters_are_one_request(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = _Requests(monkeypatch)
    async with database.unit_of_work() as session:
        values = [{"words": f"{n}"} for n in range(100)]
        await session.execute(text("INSERT INTO note (words) VALUES (:words)"), values)
    assert requests.count == 3
    async with database.reading() as session:
        assert await session.scalar(text("SELECT count(*) FROM note")) == 100


async def test_a_refused_statement_leaves_the_connection_usable(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.unit_of_work() as session:
            await session.execute(text("INSERT INTO note (words) VALUES ('a'), ('a')"))
    async with database.unit_of_work() as session:
        found = await session.execute(text("UPDATE note SET words = 'b' RETURNING id"))
        assert found.all() == []
        changed = await session.execute(text("INSERT INTO note (words) VALUES ('a')"))
        assert isinstance(changed, CursorResult)
        assert (changed.rowcount, changed.lastrowid) == (1, 1)


async def test_a_cancelled_statement_does_not_disturb_the_next(database: Database) -> None:
    async def wait_long() -> None:
        async with database.unit_of_work() as session:
            await session.execute(text(_SLOW_QUERY))

    waiting = asyncio.create_task(wait_long())
    await asyncio.sleep(0)
    for _ in range(3):
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with database.unit_of_work() as session:
        assert await session.scalar(text("SELECT 7")) == 7


async def test_rows_can_be_fetched_one_by_one(tmp_path: Path) -> None:
    connection = await sqlite_connection.connect(str(tmp_path / "kaika.db"))
    cursor = connection.cursor()
    await cursor.execute("SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4")
    assert await cursor.fetchone() == (1,)
    assert await cursor.fetchmany() == [(2,)]
    assert await cursor.fetchall() == [(3,), (4,)]
    assert await cursor.fetchone() is None
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await cursor.execute("SELECT * FROM note")
    assert (cursor.description, await cursor.fetchall()) == (None, [])
    await connection.close()
