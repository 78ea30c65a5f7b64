"""The database: the unit of work with what follows a commit, and the base of tables.

SQLite allows one writer: units of work queue for a lock in this process instead of spinning on
SQLite's busy handler. What only reads needs no place in that queue, and what everybody waits for
goes before the others. A writer makes way for the next one before its commit is on the disk, and
then waits for that.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, nullcontext, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import structlog
from sqlalchemy import BigInteger, DateTime, Insert, TypeDecorator, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import TimeoutError as NoConnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Session, SessionTransaction, mapped_column
from sqlalchemy.pool import NullPool

from services.storage import private_files
from services.storage.availability import DatabaseUnavailableError
from services.storage.engine import LIMITS, Limits, create_engine
from services.storage.group_commit import GroupCommit
from services.storage.sqlite_connection import READS_ONLY

WRITER_SECONDS = 10.0
"""How long to wait for SQLite's one writer."""
STEADY = "steady"
"""Key in the `info` of columns whose times are of the steady clock."""
COMMIT_HOOKS = "after_commit"
"""Key of the after-commit hooks in a session's `info`."""
_log = structlog.get_logger()
Item = TypeVar("Item")


class UtcDateTime(TypeDecorator[datetime]):
    """A time in UTC. SQLite stores no offset, so it is added when read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC.

        :raises ValueError: for a naive datetime.
        """
        if value is not None and value.tzinfo is None:
            raise ValueError("a stored time needs a time zone")
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Add the time zone."""
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


SteadyTime = Annotated[datetime, mapped_column(UtcDateTime, info={STEADY: True})]
"""A time of the steady clock (`services.clock`)."""


class Base(DeclarativeBase):
    """Base of all models."""

    type_annotation_map = {datetime: UtcDateTime, int: BigInteger}  # noqa: RUF012


Row = TypeVar("Row", bound=Base)


class Database:
    """One database, reached by `url` (``sqlite+aiosqlite:///…`` or ``postgresql+asyncpg://…``).

    :ivar check_ownership: called before every commit; raises where another process has taken over.
    """

    def __init__(self, url: str, limits: Limits = LIMITS) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and self.url.database:
            _create_private_file(Path(self.url.database))
        self._group_commit: GroupCommit | None = None
        if self.is_sqlite and self.url.database:
            self._group_commit = GroupCommit(Path(self.url.database))
        on_write = self._group_commit.note_commit if self._group_commit else None
        self.engine = create_engine(self.url, limits, on_write)
        self.check_ownership: Callable[[AsyncSession], Awaitable[None]] | None = None
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        reading = self.engine.execution_options(**{READS_ONLY: True})
        self._reading_sessions = async_sessionmaker(reading, expire_on_commit=False)
        self._writer_lock = asyncio.Lock()
        self._writers = asyncio.Lock()
        """Held by the one that is next, so that who is urgent waits for nobody else."""

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Open one transaction that only reads, and waits for no writer.

        :raises DatabaseUnavailableError: as in a unit of work.
        """
        try:
            async with self._reading_sessions.begin() as session:
                yield session
        except NoConnectionError:
            raise DatabaseUnavailableError("every connection is in use") from None

    @asynccontextmanager
    async def unit_of_work(self, *, is_urgent: bool = False) -> AsyncIterator[AsyncSession]:
        """Open one transaction: committed when the block ends, rolled back when it raises.

        :param is_urgent: whether it goes before others, since everybody waits for it.
        :raises DatabaseUnavailableError: also where a statement in the block or the commit fails
            because of the database; whether a commit that failed took place is unknown.
        """
        async with self._hold_writer_lock(is_urgent):
            try:
                async with self._sessions.begin() as session:
                    yield session
                    if self.check_ownership is not None:
                        await session.flush()
                        await self.check_ownership(session)
            except NoConnectionError:
                raise DatabaseUnavailableError("every connection is in use") from None
            followed = self._follow_commit(partial(_run_hooks, session))
        if followed is not None:
            await followed

    def _follow_commit(self, follow: Callable[[], None]) -> "asyncio.Future[None] | None":
        """Call `follow` once the commit that was just made is on the disk."""
        if self._group_commit is not None:
            return self._group_commit.flush_then(follow)
        follow()
        return None

    @asynccontextmanager
    async def _hold_writer_lock(self, is_urgent: bool) -> AsyncIterator[None]:
        if not self.is_sqlite:
            yield
            return
        try:
            async with asyncio.timeout(WRITER_SECONDS):
                async with nullcontext() if is_urgent else self._writers:
                    await self._writer_lock.acquire()
        except TimeoutError:
            raise DatabaseUnavailableError("the one writer is in use") from None
        try:
            yield
        finally:
            self._writer_lock.release()

    @asynccontextmanager
    async def unlimited_transaction(self) -> AsyncIterator[AsyncConnection]:
        """Open one transaction whose statements may take as long as they like."""
        unlimited = (
            self.engine if self.is_sqlite else create_engine(self.url, None, poolclass=NullPool)
        )
        try:
            async with unlimited.begin() as connection:
                yield connection
        finally:
            if unlimited is not self.engine:
                await unlimited.dispose()
        if self._group_commit is not None:
            self._group_commit.note_commit()  # changes of tables count as no changed rows
            await self._group_commit.flush_then(lambda: None)

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
        if self._group_commit is not None:
            self._group_commit.close()


def _create_private_file(path: Path) -> None:
    """Create the file of a new database with mode 600, which its journal inherits.

    One that everybody can read, such as a copy, gets it too.
    """
    private_files.make_folder(path.parent)
    if not path.exists():
        with suppress(OSError):  # SQLite reports the problem when it opens the file
            path.touch(mode=0o600)
    for suffix in ("", "-wal", "-shm"):
        private_files.close_to_everybody(path.with_name(path.name + suffix))


class TransactionalQueue(Generic[Item]):
    """Items of one session, in order; those added in a savepoint are dropped with it."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session.sync_session
        self._items: list[tuple[Item, SessionTransaction | None]] = []
        event.listen(self._session, "after_commit", self._merge_released)
        event.listen(self._session, "after_soft_rollback", self._drop_rolled_back)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: Item) -> None:
        """Add an item to the open savepoint, or to the transaction where there is none."""
        root = self._session.get_transaction()
        self._items.append((item, self._session.get_nested_transaction() or root))

    def drain(self) -> Iterator[Item]:
        """Remove and yield the items, oldest first."""
        while self._items:
            yield self._items.pop(0)[0]

    def _merge_released(self, session: Session) -> None:
        """Hand the items of a released savepoint to the transaction around it."""
        released = session.get_nested_transaction()
        if released is not None:
            around = released.parent
            self._items = [(item, around if at is released else at) for item, at in self._items]

    def _drop_rolled_back(self, _session: Session, rolled_back: SessionTransaction) -> None:
        self._items = [(item, at) for item, at in self._items if not _is_within(at, rolled_back)]


def _is_within(inner: SessionTransaction | None, outer: SessionTransaction) -> bool:
    while inner is not None and inner is not outer:
        inner = inner.parent
    return inner is outer


def after_commit(session: AsyncSession, hook: Callable[[], None]) -> None:
    """Call `hook` once the unit of work is committed and on the disk; never when rolled back.

    The commit stands whatever becomes of it: a file that cannot be written is logged, and repaired
    at the next start.
    """
    hooks: TransactionalQueue[Callable[[], None]] | None = session.info.get(COMMIT_HOOKS)
    if hooks is None:
        hooks = session.info[COMMIT_HOOKS] = TransactionalQueue(session)
    hooks.add(hook)


def _run_hooks(session: AsyncSession) -> None:
    hooks: TransactionalQueue[Callable[[], None]] | None = session.info.get(COMMIT_HOOKS)
    for hook in hooks.drain() if hooks is not None else ():
        try:
            hook()
        except OSError as error:
            _log.error("file_not_written_after_commit", error=type(error).__name__)


async def lock_row(session: AsyncSession, table: type[Row], key: object) -> Row | None:
    """Return a row as it is now, locked for the rest of the unit of work."""
    await session.flush()
    return await session.get(table, key, populate_existing=True, with_for_update=True)


def insert_or_ignore(session: AsyncSession, table: type[Base]) -> Insert:
    """Return an INSERT that leaves an existing row as it is."""
    return _insert(session, table).on_conflict_do_nothing()


def upsert(
    session: AsyncSession,
    table: type[Base],
    key: Mapping[str, Any],
    values: Mapping[str, Any],
    **only_when_new: Any,
) -> Insert:
    """Return an INSERT that becomes an UPDATE of `values` if the key exists already.

    :param key: the columns that are unique together.
    :param only_when_new: further values for a new row.
    """
    new = _insert(session, table).values({**key, **values, **only_when_new})
    return new.on_conflict_do_update(index_elements=list(key), set_=dict(values))


def _insert(session: AsyncSession, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)
