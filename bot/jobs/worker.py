"""The worker that runs scheduled jobs.

Jobs run concurrently, so that a mail server that hangs does not delay the deletion of a message
that has to be gone within the minute.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from types import MappingProxyType

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from telegram.error import RetryAfter

from bot.telegram.transport import retry_delay
from services import jobs
from services.clock import SystemClock, steady_time
from services.storage.availability import DatabaseUnavailableError, is_transient
from services.storage.database import Database
from services.storage.models import Job
from services.supervisor import OwnedTasks, Supervisor

TransactionalJob = Callable[[AsyncSession, Job, datetime], Awaitable[None]]
"""Runs a job in the transaction that deletes it."""
NetworkJob = Callable[[Job, datetime], Awaitable[None]]
"""Runs a job that uses the network, outside any transaction, at least once."""

_INTERVAL = 1.0
_MAX_CONCURRENT = 16
_PROMPT_ATTEMPTS = 5
"""Attempts that are repeated without a back-off where the database failed."""

_log = structlog.get_logger()


class JobWorker:
    """Looks every second for jobs that are due and runs them.

    :param transactional_jobs: by the kind of job.
    :param network_jobs: by the kind of job.
    """

    def __init__(
        self,
        database: Database,
        transactional_jobs: Mapping[str, TransactionalJob],
        network_jobs: Mapping[str, NetworkJob] = MappingProxyType({}),
        clock: SystemClock | None = None,
    ) -> None:
        self._database = database
        self._transactional_jobs = transactional_jobs
        self._network_jobs = network_jobs
        self._clock = clock or SystemClock()
        self._slots = asyncio.Semaphore(_MAX_CONCURRENT)
        self._tasks = OwnedTasks()
        self._running: set[int] = set()
        """Ids of the jobs in progress."""
        self._has_lost_jobs = False
        """Whether jobs that have ended are still leased, since the database was away."""

    @asynccontextmanager
    async def running(self, supervisor: Supervisor) -> AsyncIterator[None]:
        """Run jobs while the block runs, then wait for those that have started.

        Only one process runs jobs at a time, so earlier leases belong to processes that are gone.
        """
        async with self._database.unit_of_work() as session:
            await jobs.release_all(session)
        try:
            async with supervisor.repeating("due worker", self._start_due, _INTERVAL):
                yield
        finally:
            await self._tasks.wait()

    async def run_due(self, now: datetime) -> int:
        """Run every job due by `now`, and return how many succeeded."""
        return sum(await asyncio.gather(*await self._lease_and_start(now)))

    async def _start_due(self) -> None:
        await self._lease_and_start(self._clock.now())

    async def _lease_and_start(self, now: datetime) -> list[asyncio.Task[bool]]:
        async with self._database.unit_of_work() as session:
            if self._has_lost_jobs:
                await jobs.release_all(session, self._running)
            rows = await jobs.lease_due(session, now)
        self._has_lost_jobs = False
        self._running.update(row.id for row in rows)
        return [self._tasks.start(row.kind, self._run_job(row, now)) for row in rows]

    async def _run_job(self, row: Job, now: datetime) -> bool:
        try:
            async with self._slots:
                return await self._try_job(row, now)
        except DatabaseUnavailableError as error:  # run again once the database is back
            _log.error("due_not_given_back", kind=row.kind, error=type(error).__name__)
            self._has_lost_jobs = True
            return False
        finally:
            self._running.discard(row.id)

    async def _try_job(self, row: Job, now: datetime) -> bool:
        try:
            if row.kind in self._network_jobs:
                await self._run_network(row, now)
            else:
                await self._run_transactional(row, now)
        except RetryAfter as error:
            await self._postpone(row, now, steady_time(now) + retry_delay(error))
            return False
        except Exception as error:
            _log.error("due_failed", kind=row.kind, error=type(error).__name__, exc_info=error)
            is_first_outage = is_transient(error) and row.attempts <= _PROMPT_ATTEMPTS
            await self._postpone(row, now, now if is_first_outage else None)
            return False
        return True

    async def _postpone(self, row: Job, now: datetime, retry_at: datetime | None = None) -> None:
        async with self._database.unit_of_work() as session:
            await jobs.postpone(session, row, now, retry_at)

    async def _run_transactional(self, row: Job, now: datetime) -> None:
        run = self._transactional_jobs.get(row.kind)
        if run is None:
            raise LookupError(row.kind)
        async with self._database.unit_of_work() as session:
            await jobs.complete(session, row)
            await run(session, row, now)

    async def _run_network(self, row: Job, now: datetime) -> None:
        await self._network_jobs[row.kind](row, now)
        async with self._database.unit_of_work() as session:
            await jobs.complete(session, row)


HOUSEKEEPING = "housekeeping"
_DAILY = timedelta(days=1)


async def schedule_housekeeping(session: AsyncSession, at: datetime) -> None:
    """Schedule the next daily housekeeping."""
    await jobs.schedule(session, HOUSEKEEPING, HOUSEKEEPING, at + _DAILY)
