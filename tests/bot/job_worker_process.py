"""A process that runs one job: ``python -m tests.bot.job_worker_process URL [SECONDS]``.

With a number of seconds it schedules the job; without, it runs what an earlier process left. It
prints ``ready``, and ``done`` once the job has run.
"""

import asyncio
import sys
from datetime import datetime, timedelta

import structlog

from bot.jobs.worker import JobWorker
from services import jobs
from services.clock import SystemClock
from services.clock_record import resume_counting
from services.storage.database import Database
from services.storage.models import Job
from tests.strict_supervisor import strict_supervisor


async def work(url: str, seconds: float | None) -> None:
    """Run until the job is done."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    database, clock, done = Database(url), SystemClock(), asyncio.Event()

    async def run(_row: Job, _now: datetime) -> None:
        done.set()

    await resume_counting(database, clock)
    if seconds is not None:
        wait = timedelta(seconds=seconds)
        async with database.unit_of_work() as session:
            await jobs.schedule_after(session, "kind", "key", wait, clock.now())
    async with JobWorker(database, {}, {"kind": run}, clock).running(strict_supervisor()):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await done.wait()
    sys.stdout.write("done\n")
    await database.close()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else None))
