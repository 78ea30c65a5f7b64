"""The last moment on record, and what a process that starts after it makes of the clock.

The steady clock of a process that is gone can no longer be read. The next process takes the wall
clock for it, where that is not behind the last moment on record. Where it is, somebody set it back,
and how long nobody counted is unknown: whatever was promised in seconds, minutes or hours is over.
"""

from datetime import datetime

import structlog
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from services import jobs, rate_limit
from services.clock import SystemClock, steady_time
from services.storage.database import STEADY, Base, Database, upsert
from services.storage.models import DatabaseFact

_FACT = "steady_clock"
RECORD_SECONDS = 5.0
"""How often the moment is put on record."""

_log = structlog.get_logger()


async def resume_counting(database: Database, clock: SystemClock) -> None:
    """Start the steady clock of the process that works on the database from now on.

    A message that is shown for some seconds only is deleted immediately, since nobody counted
    meanwhile. The rest goes on, unless the wall clock is behind the last moment on record.
    """
    clock.synchronize()
    now = clock.now()
    async with database.unit_of_work() as session:
        last = await read_last_moment(session)
        is_behind = last is not None and steady_time(now) < last
        if is_behind:
            _log.warning("clock_is_behind", last=str(last), now=str(now), remedy="check the clock")
            await _end_promises(session, now)
            await rate_limit.restart_windows(session, now)
        await jobs.end_waits(session, now, also_retries=is_behind)
        await record_moment(session, now)


async def record_moment(session: AsyncSession, now: datetime) -> None:
    """Put the moment on record, by the steady clock."""
    value = {"value": steady_time(now).isoformat()}
    await session.execute(upsert(session, DatabaseFact, {"name": _FACT}, value))


async def read_last_moment(session: AsyncSession) -> datetime | None:
    """Return the last moment on record, by the steady clock of the process that recorded it."""
    fact = await session.get(DatabaseFact, _FACT, populate_existing=True)
    return None if fact is None else datetime.fromisoformat(fact.value)


async def _end_promises(session: AsyncSession, now: datetime) -> None:
    """Let every time of the steady clock that lies in the future be now."""
    steady = steady_time(now)
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if column.info.get(STEADY):
                ended = update(table).where(column > steady).values({column: steady})
                await session.execute(ended)
