"""Connections to SQLite, whose statements run on a thread of their own.

They use WAL mode with foreign keys and ``secure_delete``, so that deleted data is overwritten.
Committed data survives a power cut: whoever opened a connection flushes its commits
(`services.storage.group_commit`), or else each of them waits for the disk (``synchronous=FULL``).

aiosqlite asks its thread for a cursor, for the statement, for the rows and for the end of the
cursor one after the other, and each time the event loop does something else before it goes on. A
busy loop makes that the larger part of a transaction, during which nobody else may write. Here a
statement, its rows and its end are one request.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from functools import partial
from typing import Any, Self

from aiosqlite import Connection

PRAGMAS = (
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
)
SYNCHRONOUS = "PRAGMA synchronous = {}"
READS_ONLY = "reads_only"
"""Execution option of connections that only read."""
_ROWS_AT_ONCE = 64


class SqliteCursor:
    """A cursor that has its rows as soon as its statement is done."""

    def __init__(self, connection: "SqliteConnection") -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.arraysize = 1
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        """Return the cursor."""
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Self:
        """Run a statement, and fetch its rows.

        :raises sqlite3.Error: as `sqlite3.Cursor.execute` and ``fetchall``.
        """
        return await self._run("execute", statement, parameters)

    async def executemany(self, statement: str, parameters: Iterable[Sequence[Any]]) -> Self:
        """Run a statement with each of the parameters.

        :raises sqlite3.Error: as `sqlite3.Cursor.executemany`.
        """
        return await self._run("executemany", statement, parameters)

    async def fetchone(self) -> Any | None:
        """Return the next row, `None` after the last one."""
        return self._rows.pop(0) if self._rows else None

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return the next rows.

        :param size: how many; `arraysize` by default.
        """
        count = self.arraysize if size is None else size
        rows, self._rows = self._rows[:count], self._rows[count:]
        return rows

    async def fetchall(self) -> list[Any]:
        """Return the other rows."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Forget the rows; the cursor below was closed with its statement."""
        self._rows = []

    async def _run(self, method: str, statement: str, parameters: Any) -> Self:
        self.description, self._rows = None, []
        self._connection.is_committed = False
        request: Callable[..., Awaitable[None]] = self._connection._execute
        await request(self._run_on_thread, method, statement, parameters)
        return self

    def _run_on_thread(self, method: str, statement: str, parameters: Any) -> None:
        cursor = self._connection._conn.cursor()
        try:
            getattr(cursor, method)(statement, parameters)
            self.description = cursor.description
            self._rows = cursor.fetchall() if cursor.description else []
            self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        finally:
            cursor.close()


class SqliteConnection(Connection):
    """A connection whose cursors are `SqliteCursor`.

    :ivar is_committed: whether nothing was asked since the last commit.
    :ivar on_write: called after every commit that has changed rows; who sets it brings the commit
        to the disk.
    """

    is_committed = False
    on_write: Callable[[], None] | None = None
    _changes = 0

    def __await__(self) -> Generator[Any, None, Self]:
        """Open the connection."""
        yield from super().__await__()
        return self

    def cursor(self) -> SqliteCursor:  # type: ignore[override]
        """Return a new cursor."""
        return SqliteCursor(self)

    async def commit(self) -> None:
        """Commit the transaction."""
        request: Callable[..., Awaitable[bool]] = self._execute
        has_written = await request(self._commit_on_thread)
        self.is_committed = True
        if has_written and self.on_write is not None:
            self.on_write()

    def _commit_on_thread(self) -> bool:
        """Commit, and return whether rows were changed since the last commit."""
        self._conn.commit()
        before, self._changes = self._changes, self._conn.total_changes
        return self._changes != before

    async def rollback(self) -> None:
        """Roll back what is not committed; the pool asks for it also where there is nothing."""
        if not self.is_committed:
            await super().rollback()


def connect(
    database: str, on_write: Callable[[], None] | None = None, **options: Any
) -> SqliteConnection:
    """Return a connection to a file, opened when it is awaited.

    :param on_write: as `SqliteConnection.on_write`.
    :param options: of `sqlite3.connect`.
    """
    opening: Callable[[], sqlite3.Connection] = partial(sqlite3.connect, database, **options)
    connection = SqliteConnection(opening, _ROWS_AT_ONCE)
    connection.on_write = on_write
    connection._thread.daemon = True  # one that hangs must not keep the process from ending
    return connection


def prepare(connection: Any, _record: object) -> None:
    """Set up a new connection."""
    connection.isolation_level = None  # `begin` begins transactions
    is_flushed = connection.driver_connection.on_write is not None
    cursor = connection.cursor()
    for pragma in (*PRAGMAS, SYNCHRONOUS.format("NORMAL" if is_flushed else "FULL")):
        cursor.execute(pragma)
    cursor.close()


def begin(connection: Any) -> None:
    """Begin a transaction."""
    # A transaction that begins as a reader and then writes may be refused without a wait.
    is_reading = connection.get_execution_options().get(READS_ONLY, False)
    connection.exec_driver_sql("BEGIN" if is_reading else "BEGIN IMMEDIATE")
