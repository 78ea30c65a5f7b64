"""The worker that does what falls due."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from services import due
from services.storage.database import Database
from services.storage.models import Due

Task = Callable[[AsyncSession, Due, datetime], Awaitable[None]]
"""Does one kind of due thing, in the transaction that strikes it out."""
Errand = Callable[[Due, datetime], Awaitable[None]]
"""Does one kind of due thing on the network, outside any transaction, at least once."""

_INTERVAL = 1.0

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

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work while the block runs."""
        worker = asyncio.create_task(self._run(), name="due worker")
        try:
            yield
        finally:
            worker.cancel()
            with suppress(asyncio.CancelledError):
                await worker

    async def _run(self) -> None:
        while True:
            try:
                await self.work(datetime.now(UTC))
            except SQLAlchemyError as error:
                _log.error("due_not_read", error=type(error).__name__)
            await asyncio.sleep(_INTERVAL)

    async def work(self, now: datetime) -> int:
        """Do everything due by `now`; give how many things were done."""
        async with self._database.unit_of_work() as session:
            rows = await due.take(session, now)
        return sum([await self._do(row, now) for row in rows])

    async def _do(self, row: Due, now: datetime) -> bool:
        try:
            if row.kind in self._errands:
                await self._run_errand(row, now)
            else:
                await self._carry_out(row, now)
        except due.NotYetError as error:
            await self._give_back(row, now, error.until)
            return False
        except Exception as error:
            _log.error("due_failed", kind=row.kind, error=type(error).__name__, exc_info=error)
            await self._give_back(row, now)
            return False
        return True

    async def _give_back(self, row: Due, now: datetime, until: datetime | None = None) -> None:
        async with self._database.unit_of_work() as session:
            await due.postpone(session, row, now, until)

    async def _carry_out(self, row: Due, now: datetime) -> None:
        task = self._tasks.get(row.kind)
        if task is None:
            raise LookupError(row.kind)
        async with self._database.unit_of_work() as session:
            await due.finish(session, row)
            await task(session, row, now)

    async def _run_errand(self, row: Due, now: datetime) -> None:
        await self._errands[row.kind](row, now)
        async with self._database.unit_of_work() as session:
            await due.finish(session, row)


HOUSEKEEPING = "housekeeping"
_DAILY = timedelta(days=1)


async def schedule_housekeeping(session: AsyncSession, at: datetime) -> None:
    """Put down the next daily tidying up."""
    await due.schedule(session, HOUSEKEEPING, HOUSEKEEPING, at + _DAILY)
