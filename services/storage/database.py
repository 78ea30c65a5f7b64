"""The engine, its pragmas, and the unit of work.

SQLite runs in WAL with foreign keys and ``secure_delete`` on and ``synchronous=FULL``, so that
what was committed survives a power cut and what was deleted is overwritten. It has one writer:
units of work take turns on a lock of ours instead of spinning on its busy handler.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    "PRAGMA busy_timeout = 10000",
)


class Database:
    """One database, reached by `url` (``sqlite+aiosqlite:///…`` or ``postgresql+asyncpg://…``)."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and self.url.database:
            _make_file(Path(self.url.database))
        # The text of an error must not show what was stored.
        self.engine = create_async_engine(self.url, hide_parameters=True)
        if self.is_sqlite:
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_immediate)
        else:
            event.listen(self.engine.sync_engine, "do_connect", _connect)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[AsyncSession]:
        """Open one transaction: committed when the block ends, rolled back when it raises."""
        async with self._take_turn(), self._sessions.begin() as session:
            yield session

    def _take_turn(self) -> AbstractAsyncContextManager[None]:
        return self._turn if self.is_sqlite else nullcontext()

    async def close(self) -> None:
        """Give back every connection."""
        await self.engine.dispose()


def _make_file(path: Path) -> None:
    """Make the file of a new database, for its owner's eyes only; its journal takes after it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with suppress(OSError):  # SQLite says what is wrong when it is opened
            path.touch(mode=0o600)


def _connect(
    dialect: Dialect, _record: object, where: tuple[Any, ...], how: dict[str, Any]
) -> DBAPIConnection:
    """Connect; a server that is not there is an error of the database like any other."""
    try:
        return dialect.connect(*where, **how)
    except OSError as error:
        raise dialect.loaded_dbapi.OperationalError(str(error), error) from error


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin_immediate(connection: Any) -> None:
    # A transaction that begins as a reader and then writes may be refused without waiting.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
