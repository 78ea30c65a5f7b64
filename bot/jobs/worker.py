"""The worker that does what falls due.

Things are done side by side, so that a mail server which hangs keeps no message in a chat that has
to be deleted within the minute.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.jobs.periodic import repeated
from services import jobs
from services.storage.database import Database
from services.storage.models import Due

Task = Callable[[AsyncSession, Due, datetime], Awaitable[None]]
"""Does one kind of due thing, in the transaction that strikes it out."""
Errand = Callable[[Due, datetime], Awaitable[None]]
"""Does one kind of due thing on the network, outside any transaction, at least once."""

_INTERVAL = 1.0
_AT_ONCE = 16

_log = structlog.get_logger()


class DueWorker:
    """Looks every second for what is due and does it."""

    def __init__(
        self,
        database: Database,
        tasks: Mapping[str, Task],
        errands: Mapping[str, Errand] = MappingProxyType({}),
    ) -> None:
        self._database = database
        self._tasks = tasks
        self._errands = errands
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._in_hand: set[asyncio.Task[bool]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work while the block runs, then finish what is in hand.

        One process works at a time, so whatever is still taken was taken by one that is gone.
        """
        async with self._database.unit_of_work() as session:
            await jobs.free(session)
        try:
            async with repeated(self._begin_round, _INTERVAL, "due worker"):
                yield
        finally:
            await asyncio.gather(*self._in_hand)

    async def work(self, now: datetime) -> int:
        """Do everything due by `now`; give how many things were done."""
        return sum(await asyncio.gather(*await self._begin(now)))

    async def _begin_round(self) -> None:
        try:
            begun = await self._begin(datetime.now(UTC))
        except SQLAlchemyError as error:
            _log.error("due_not_read", error=type(error).__name__)
            return
        self._in_hand.update(begun)
        for task in begun:
            task.add_done_callback(self._in_hand.discard)

    async def _begin(self, now: datetime) -> list[asyncio.Task[bool]]:
        async with self._database.unit_of_work() as session:
            rows = await jobs.take(session, now)
        return [asyncio.create_task(self._do(row, now), name=row.kind) for row in rows]

    async def _do(self, row: Due, now: datetime) -> bool:
        async with self._places:
            try:
                return await self._try(row, now)
            except SQLAlchemyError as error:  # its lease will end
                _log.error("due_not_given_back", kind=row.kind, error=type(error).__name__)
                return False

    async def _try(self, row: Due, now: datetime) -> bool:
        try:
            if row.kind in self._errands:
                await self._run_errand(row, now)
            else:
                await self._carry_out(row, now)
        except jobs.NotYetError as error:
            await self._give_back(row, now, error.until)
            return False
        except Exception as error:
            _log.error("due_failed", kind=row.kind, error=type(error).__name__, exc_info=error)
            await self._give_back(row, now)
            return False
        return True

    async def _give_back(self, row: Due, now: datetime, until: datetime | None = None) -> None:
        async with self._database.unit_of_work() as session:
            await jobs.postpone(session, row, now, until)

    async def _carry_out(self, row: Due, now: datetime) -> None:
        task = self._tasks.get(row.kind)
        if task is None:
            raise LookupError(row.kind)
        async with self._database.unit_of_work() as session:
            await jobs.finish(session, row)
            await task(session, row, now)

    async def _run_errand(self, row: Due, now: datetime) -> None:
        await self._errands[row.kind](row, now)
        async with self._database.unit_of_work() as session:
            await jobs.finish(session, row)


HOUSEKEEPING = "housekeeping"
_DAILY = timedelta(days=1)


async def schedule_housekeeping(session: AsyncSession, at: datetime) -> None:
    """Put down the next daily tidying up."""
    await jobs.schedule(session, HOUSEKEEPING, HOUSEKEEPING, at + _DAILY)
