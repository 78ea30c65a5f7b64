"""Ownership: of the processes that use one database, one works on it and the others wait.

A port of two verbs. `claim` makes this process the owner where there is none. `check` makes sure,
as the last statement before a commit, that it still is: a process that was frozen or cut off, and
goes on after another has taken over, commits nothing.

On SQLite a claim is an operating system's lock on a file beside the database. The system releases
it when the process dies. A process that is frozen keeps it, so nobody can take over from it.

On PostgreSQL a claim is an advisory lock of a session of its own, and a number, the epoch, that
every owner raises. The server ends that session when the process dies, and when it has been silent
for `SILENCE_SECONDS`. A commit holds the epoch in a shared lock, so that it cannot be raised
between check and commit; the server ends transactions that are idle for `IDLE_TRANSACTION_SECONDS`,
so that a frozen owner does not hold it for long.
"""

import os
import platform
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import structlog
from sqlalchemy import BigInteger, ColumnElement, cast, extract, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.pool import NullPool

from services.storage.availability import DatabaseUnavailableError
from services.storage.database import Database
from services.storage.engine import Limits, create_engine
from services.storage.lock_file import LockFile
from services.storage.models import OwnershipRow
from services.supervisor import Supervisor

RENEWAL_SECONDS = 1.0
SILENCE_SECONDS = 5
"""After which the server ends the session of a claim that is not renewed."""
_ANSWER_SECONDS = 3.0
"""How long the server may take to answer on a claim's session."""
_NAME = "database"
_LOCK = 0x6B61696B61
"""The advisory lock of a claim: "kaika" in ASCII."""
_SESSION = {
    "application_name": "kaika owner",
    "idle_session_timeout": f"{SILENCE_SECONDS}s",
    "lock_timeout": f"{_ANSWER_SECONDS - 1:.0f}s",
    "tcp_user_timeout": f"{SILENCE_SECONDS}s",
}
_log = structlog.get_logger()


class OwnershipLostError(DatabaseUnavailableError):
    """Another process owns the database, so that this one must not change it."""


class Ownership(ABC):
    """The claim of this process on one database."""

    @abstractmethod
    async def claim(self) -> bool:
        """Claim the database; `False` while another process owns it.

        :raises DatabaseUnavailableError: when the database cannot be reached.
        """

    @abstractmethod
    async def check(self, session: AsyncSession) -> None:
        """Make sure that this process is the owner until the transaction of `session` ends.

        :raises OwnershipLostError: when it is not.
        """

    @abstractmethod
    async def renew(self) -> None:
        """Show that this process lives. Called every `RENEWAL_SECONDS`.

        :raises OwnershipLostError: when another process has taken over.
        :raises DatabaseUnavailableError: when the claim was interrupted and is not yet back.
        """

    @abstractmethod
    async def release(self) -> None:
        """End the claim, so that another process can take over immediately."""

    @abstractmethod
    async def describe_owner(self) -> str:
        """Return host and process number of whoever owns the database, where they are known."""


@asynccontextmanager
async def own_briefly(database: Database) -> AsyncIterator[bool]:
    """Own a database while the block runs; yields `False` where another process owns it."""
    ownership = create_ownership(database)
    if not await ownership.claim():
        yield False
        return
    lost: list[BaseException] = []
    renewing = Supervisor(lost.append).repeating("ownership", ownership.renew, RENEWAL_SECONDS)
    try:
        async with renewing:
            yield True
    finally:
        await ownership.release()


def create_ownership(database: Database) -> Ownership:
    """Return the ownership that goes with a kind of database, not yet claimed."""
    return FileOwnership(database) if database.is_sqlite else SessionOwnership(database)


class FileOwnership(Ownership):
    """Ownership of an SQLite database by a lock on a file beside it."""

    def __init__(self, database: Database) -> None:
        path = Path(database.url.database or "kaika.db").resolve()
        self._lock = LockFile(path.with_name(f"{path.name}.lock"))

    async def claim(self) -> bool:
        """Lock the file."""
        return self._lock.try_acquire(_process_name())

    async def check(self, session: AsyncSession) -> None:
        """Check that the file is still the one that is locked, which costs next to nothing."""
        if not self._lock.is_held():
            raise OwnershipLostError(f"{self._lock.path} was removed or replaced")

    async def renew(self) -> None:
        """Check the file as well while nothing is committed."""
        if not self._lock.is_held():
            raise OwnershipLostError(f"{self._lock.path} was removed or replaced")

    async def release(self) -> None:
        """Unlock the file."""
        self._lock.release()

    async def describe_owner(self) -> str:
        """Return what the owner wrote into the file."""
        return self._lock.read_note()


class SessionOwnership(Ownership):
    """Ownership of a PostgreSQL database by a session's advisory lock and an epoch."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._engine = create_engine(
            database.url,
            Limits(_ANSWER_SECONDS, _SESSION),
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",  # the session is never in a transaction
        )
        self._connection: AsyncConnection | None = None
        self._epoch: int | None = None

    async def claim(self) -> bool:
        """Lock, and raise the epoch."""
        connection = await self._lock()
        if connection is None:
            return False
        try:
            self._epoch = await _raise_epoch(connection)
        except BaseException:
            await _close(connection)
            raise
        self._connection = connection
        return True

    async def check(self, session: AsyncSession) -> None:
        """Read the epoch with a shared lock, where the transaction has written anything."""
        has_written = func.pg_current_xact_id_if_assigned().is_not(None)
        query = select(OwnershipRow.epoch).where(_IS_OURS, has_written)
        found = (await session.scalars(query.with_for_update(read=True))).one_or_none()
        if self._epoch is None or found not in (None, self._epoch):
            raise OwnershipLostError("another process has taken over")

    async def renew(self) -> None:
        """Ask the server for an answer; claim again after an interruption."""
        if self._connection is None:
            await self._claim_again()
            return
        try:
            await self._connection.execute(text("SELECT 1"))
        except DatabaseUnavailableError:
            connection, self._connection = self._connection, None
            await _close(connection)
            raise

    async def _claim_again(self) -> None:
        """Claim as before, unless another process was the owner meanwhile."""
        connection = await self._lock()
        if connection is None:
            await self._refuse_new_epoch()
            raise DatabaseUnavailableError("the claim is still held by a session that was lost")
        try:
            await self._compare_epoch(connection)
        except BaseException:
            await _close(connection)
            raise
        self._connection = connection

    async def _refuse_new_epoch(self) -> None:
        async with self._engine.connect() as connection:
            await self._compare_epoch(connection)

    async def _compare_epoch(self, connection: AsyncConnection) -> None:
        epoch = await connection.scalar(select(OwnershipRow.epoch).where(_IS_OURS))
        if epoch != self._epoch:
            self._epoch = None
            raise OwnershipLostError("another process has taken over")

    async def _lock(self) -> AsyncConnection | None:
        """Return a connection that holds the lock; `None` while another one does."""
        connection = await self._engine.connect()
        try:
            if await connection.scalar(select(func.pg_try_advisory_lock(_LOCK))):
                return connection
        except BaseException:
            await _close(connection)
            raise
        await _close(connection)
        return None

    async def release(self) -> None:
        """End the session."""
        connection, self._connection, self._epoch = self._connection, None, None
        if connection is not None:
            await _close(connection)

    async def describe_owner(self) -> str:
        """Return what the owner wrote beside the epoch."""
        async with self._engine.connect() as connection:
            owner = await connection.scalar(select(OwnershipRow.owner).where(_IS_OURS))
        return owner or ""


_IS_OURS: ColumnElement[bool] = OwnershipRow.name == _NAME


async def _raise_epoch(connection: AsyncConnection) -> int:
    """Raise the epoch and return it, once no commit of the last owner is under way.

    It never comes twice, also where a backup with an earlier one was restored.
    """
    clock = cast(extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger)
    values = {"epoch": clock, "owner": _process_name(), "since": datetime.now(UTC)}
    new = insert(OwnershipRow).values(name=_NAME, **values)
    raised = {**values, "epoch": func.greatest(clock, OwnershipRow.epoch + 1)}
    statement = new.on_conflict_do_update(index_elements=["name"], set_=raised)
    return (await connection.execute(statement.returning(OwnershipRow.epoch))).scalar_one()


async def _close(connection: AsyncConnection) -> None:
    with suppress(DatabaseUnavailableError):
        await connection.close()


def _process_name() -> str:
    return f"{platform.node()}:{os.getpid()}"
