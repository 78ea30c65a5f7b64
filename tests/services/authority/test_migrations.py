"""Migrations on both databases: up from every committed version; back is restoring a backup."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, MetaData, String, inspect, select, text

from services.authority.embedded.models import AuditTip
from services.storage import upgrade as upgrades
from services.storage.database import Base, Database
from services.storage.upgrade import ensure_current, head_revision, upgrade
from tests.services.authority import invariants
from tests.services.authority.authority_harness import NOW, AuthorityHarness
from tests.services.authority.postgres import PostgresServer

REVISIONS = [
    script.revision
    for script in ScriptDirectory.from_config(upgrades._config()).walk_revisions("base", "heads")
][::-1]


@pytest.fixture(params=["sqlite", "postgresql"])
async def empty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database without a table."""
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path / 'kaika.db'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        url = await asyncio.to_thread(server.create, "kaika_migrations")
    database = Database(url)
    yield database
    await database.close()


def _up_to(revision: str) -> Callable[[Connection], None]:
    def run(connection: Connection) -> None:
        config = upgrades._config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    return run


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))


def _any_value(column: Column[Any]) -> object:
    """Return a value that a column takes; the same for all of a kind, so that references hold."""
    kind = column.type
    if isinstance(kind, String):
        return "[]" if kind.length is None else "x" * min(kind.length, 3)
    found = {bool: True, int: 1, float: 1.0, bytes: b"x" * 16, datetime: NOW}
    return found[kind.python_type]


def _fill(connection: Connection) -> dict[str, dict[str, object]]:
    """Put a row into every table that is empty; return the rows by table."""
    known = MetaData()
    known.reflect(connection)
    filled = {}
    for table in known.sorted_tables:
        if connection.execute(select(table)).first() is None:
            filled[table.name] = {column.name: _any_value(column) for column in table.columns}
            connection.execute(table.insert(), filled[table.name])
    return filled


DROPPED = {"leases"}
"""Tables that the newest version has no more."""


def _still_there(connection: Connection, filled: dict[str, dict[str, object]]) -> None:
    known = MetaData()
    known.reflect(connection)
    for name, row in filled.items():
        if name in DROPPED:
            assert name not in known.tables
            continue
        table = known.tables[name]
        kept = {column: value for column, value in row.items() if column in table.columns}
        found = connection.execute(select(*(table.columns[column] for column in kept)))
        assert [_plain(one._asdict()) for one in found] == [_plain(kept)], name


def _plain(row: Mapping[str, object]) -> dict[str, object]:
    """Return a row without the time zone, which SQLite does not keep."""
    return {
        name: value.replace(tzinfo=None) if isinstance(value, datetime) else value
        for name, value in row.items()
    }


@pytest.mark.parametrize("revision", REVISIONS)
async def test_every_version_comes_up_to_the_newest_with_a_row_in_every_table(
    empty: Database, revision: str
) -> None:
    async with empty.engine.begin() as connection:
        await connection.run_sync(_up_to(revision))
        filled = await connection.run_sync(_fill)
    assert {"votes", "inbox"} <= set(filled)
    assert await upgrade(empty) == head_revision()
    await ensure_current(empty)
    async with empty.engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
        await connection.run_sync(_still_there, filled)
        assert (await connection.execute(select(AuditTip.number))).scalars().all() == [0]


async def test_upgrading_twice_changes_nothing(empty: Database) -> None:
    await upgrade(empty)
    async with empty.engine.connect() as connection:
        before = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    assert await upgrade(empty) == head_revision()
    async with empty.engine.connect() as connection:
        assert await connection.run_sync(lambda sync: inspect(sync).get_table_names()) == before


async def test_a_migration_that_fails_leaves_the_version_before(
    empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both databases change tables within a transaction."""
    async with empty.engine.begin() as connection:
        await connection.run_sync(_up_to(REVISIONS[0]))

    def fails(connection: Connection) -> None:
        _up_to("head")(connection)
        connection.execute(text("SELECT * FROM no_such_table"))

    monkeypatch.setattr(upgrades, "_upgrade", fails)
    with pytest.raises(Exception, match="no_such_table"):
        await upgrade(empty)
    async with empty.engine.connect() as connection:
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    assert "votes" in tables
    assert "applications" not in tables


async def test_going_back_is_restoring_a_backup(
    world: AuthorityHarness, server: PostgresServer | None, folder: Path
) -> None:
    """A backup is the database alone; the files beside it are those of today."""
    someone = await world.person().is_active()
    backup = await _back_up(world, server, folder)
    await someone.suspends()
    await world.person(2).applies()
    await world.close()
    await _restore(world, server, backup)
    world.open()
    await world.authority.start(NOW)
    async with world.database.unit_of_work() as session:
        audit = world.authority.audit
        assert (await audit.verify(session)).fault == "cut_off"
        await audit.accept(session, "restored", "test", NOW)
    shown = await world.counter.show(someone.ui_number, NOW)
    assert shown.timeline.certificate == "active"
    assert len(await world.counter.list()) == 1
    await someone.suspends()
    await invariants.check_invariants(world)


async def _back_up(world: AuthorityHarness, server: PostgresServer | None, folder: Path) -> bytes:
    if world.database.is_sqlite:
        copy = folder / "backup.sqlite"
        source = sqlite3.connect(str(world.database.url.database))
        with closing(source), closing(sqlite3.connect(copy)) as target:
            source.backup(target)  # what `sqlite3 … ".backup …"` does
        return copy.read_bytes()
    assert server is not None
    return await asyncio.to_thread(server.back_up, str(world.database.url.database))


async def _restore(world: AuthorityHarness, server: PostgresServer | None, backup: bytes) -> None:
    if world.database.is_sqlite:
        path = Path(str(world.database.url.database))
        for name in ("-wal", "-shm"):
            path.with_name(path.name + name).unlink(missing_ok=True)
        path.write_bytes(backup)
        return
    assert server is not None
    world.url = await asyncio.to_thread(server.create, "kaika_restored")
    await asyncio.to_thread(server.restore, "kaika_restored", backup)
