"""Which errors say that the database is not there right now, and which that the work is wrong."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, StatementError

from services.storage import database as database_module
from services.storage import engine, sqlite_connection
from services.storage.availability import DatabaseUnavailableError, is_transient
from services.storage.database import Database
from tests.services.authority.postgres import TEST_DATABASE, PostgresServer
from tests.tcp_proxy import TcpProxy


@pytest.fixture
async def database(postgres: PostgresServer) -> AsyncIterator[Database]:
    database = Database(postgres.url(TEST_DATABASE))
    yield database
    await database.close()


async def run(database: Database, *statements: str) -> None:
    """Run statements in one unit of work."""
    async with database.unit_of_work() as session:
        for statement in statements:
            await session.execute(text(statement))


async def reason_of(database: Database, *statements: str) -> str:
    """Run statements on a database that is not there, and return the reason given."""
    with pytest.raises(DatabaseUnavailableError) as caught:
        await run(database, *statements)
    assert is_transient(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        (["SET LOCAL statement_timeout = 1", "SELECT pg_sleep(9)"], "statement timeout"),
        (["SELECT pg_terminate_backend(pg_backend_pid())"], "terminating connection"),
        (["SET TRANSACTION READ ONLY", "DELETE FROM people"], "read-only transaction"),
    ],
)
async def test_the_condition_of_the_server_passes(
    database: Database, statements: list[str], reason: str
) -> None:
    assert reason in await reason_of(database, *statements)
    await run(database, "SELECT 1")


@pytest.mark.parametrize("statement", ["SELECT * FROM nothing", "SELECT 1 / 0", "SELECT 'x'::int"])
async def test_a_wrong_statement_stays_wrong(database: Database, statement: str) -> None:
    with pytest.raises(DBAPIError):
        await run(database, statement)


async def test_a_value_that_no_column_holds_stays_wrong(database: Database) -> None:
    async with database.unit_of_work() as session:
        with pytest.raises(StatementError):
            await session.execute(text("SELECT 1 FROM people WHERE user_id = :id"), {"id": 2**70})


async def test_a_lock_that_another_holds_passes(database: Database) -> None:
    async with database.unit_of_work() as session:
        await session.execute(text("LOCK TABLE people"))
        reason = await reason_of(database, "SET LOCAL lock_timeout = 1", "LOCK TABLE people")
    assert "lock timeout" in reason


async def test_a_connection_that_was_ended_while_idle_is_replaced_unnoticed(
    database: Database, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "PING_AFTER_SECONDS", 0)
    await run(database, "SELECT 1")
    assert postgres.kill_backends(TEST_DATABASE) == 1
    await run(database, "SELECT 1")


async def test_a_server_that_went_away_is_used_again_when_it_is_back(
    database: Database, postgres: PostgresServer
) -> None:
    async def crash_amid() -> None:
        async with database.unit_of_work() as session:
            await session.execute(text("SELECT 1"))
            postgres.crash()
            await session.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailableError):
        await crash_amid()
    await reason_of(database, "SELECT 1")
    postgres.launch()
    postgres.wait_until_ready()
    await run(database, "SELECT 1")


async def test_a_server_that_is_silent_is_noticed(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "COMMAND_SECONDS", 0.2)
    monkeypatch.setattr(engine, "CONNECT_SECONDS", 0.2)
    async with TcpProxy.running(postgres.port) as proxy:
        database = Database(f"postgresql+asyncpg://kaika@127.0.0.1:{proxy.port}/{TEST_DATABASE}")
        await run(database, "SELECT 1")
        proxy.be_silent()
        assert await reason_of(database, "SELECT 1") == "TimeoutError"
        assert await reason_of(database, "SELECT 1") == "TimeoutError", "a new connection"
        proxy.speak()
        await run(database, "SELECT 1")
        await database.close()


async def test_a_pool_that_is_exhausted_passes(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "POOL_SECONDS", 0.05)
    database = Database(postgres.url(TEST_DATABASE))
    async with AsyncExitStack() as stack:
        for _ in range(15):
            session = await stack.enter_async_context(database.unit_of_work())
            await session.execute(text("SELECT 1"))
        assert await reason_of(database, "SELECT 1") == "every connection is in use"
    await run(database, "SELECT 1")
    await database.close()


@pytest.mark.parametrize(
    ("path", "is_refused"), [("//kaika@127.0.0.1:1/kaika", False), ("//nobody@{}/kaika", True)]
)
async def test_what_only_the_operator_can_correct_is_marked(
    postgres: PostgresServer, path: str, is_refused: bool
) -> None:
    database = Database("postgresql+asyncpg:" + path.format(f"127.0.0.1:{postgres.port}"))
    with pytest.raises(DatabaseUnavailableError) as caught:
        await run(database, "SELECT 1")
    assert caught.value.needs_operator is is_refused


async def test_a_file_that_is_locked_passes_and_a_missing_table_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'kaika.db'}")
    monkeypatch.setattr(sqlite_connection, "PRAGMAS", ["PRAGMA busy_timeout = 0"])
    with pytest.raises(DBAPIError):
        await run(database, "SELECT * FROM nothing")
    other = sqlite3.connect(tmp_path / "kaika.db")
    other.execute("BEGIN EXCLUSIVE")
    assert await reason_of(database, "SELECT 1") == "database is locked"
    other.close()
    await run(database, "SELECT 1")
    await database.close()


async def test_a_writer_that_is_never_done_is_waited_for_with_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "WRITER_SECONDS", 0.05)
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'kaika.db'}")
    async with database.unit_of_work():
        assert await reason_of(database, "SELECT 1") == "the one writer is in use"
    await run(database, "SELECT 1")
    await database.close()


async def test_a_damaged_file_passes_once_the_operator_has_restored_it(tmp_path: Path) -> None:
    path = tmp_path / "kaika.db"
    path.write_bytes(b"no database at all, but long enough to be looked at" * 99)
    database = Database(f"sqlite+aiosqlite:///{path}")
    with pytest.raises(DatabaseUnavailableError) as caught:
        await run(database, "SELECT 1")
    assert caught.value.needs_operator
    await database.close()
