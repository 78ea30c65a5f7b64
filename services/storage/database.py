"""The database engine, its pragmas, and the unit of work.

SQLite runs in WAL mode with foreign keys, ``secure_delete`` and ``synchronous=FULL``, so that
committed data survives a power cut and deleted data is overwritten. It allows one writer: units of
work queue for a lock in this process instead of spinning on SQLite's busy handler.
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
            _create_private_file(Path(self.url.database))
        # The text of an error must not contain stored values.
        self.engine = create_async_engine(self.url, hide_parameters=True)
        if self.is_sqlite:
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_immediate)
        else:
            event.listen(self.engine.sync_engine, "do_connect", _connect)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._writer_lock = asyncio.Lock()

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[AsyncSession]:
        """Open one transaction: committed when the block ends, rolled back when it raises."""
        async with self._hold_writer_lock(), self._sessions.begin() as session:
            yield session

    def _hold_writer_lock(self) -> AbstractAsyncContextManager[None]:
        return self._writer_lock if self.is_sqlite else nullcontext()

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def _create_private_file(path: Path) -> None:
    """Create the file of a new database with mode 600, which its journal inherits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with suppress(OSError):  # SQLite reports the problem when it opens the file
            path.touch(mode=0o600)


def _connect(
    dialect: Dialect, _record: object, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> DBAPIConnection:
    """Connect; report an unreachable server as an `OperationalError`."""
    try:
        return dialect.connect(*args, **kwargs)
    except OSError as error:
        raise dialect.loaded_dbapi.OperationalError(str(error), error) from error


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    connection.isolation_level = None  # `_begin_immediate` begins transactions
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin_immediate(connection: Any) -> None:
    # A transaction that begins as a reader and then writes may be refused without a wait.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
