"""Scheduled jobs: one table, with functions to schedule, lease and complete them.

A job is due at a time of the wall clock (`schedule`), or so many seconds from now by the steady
clock (`schedule_after`).

A worker leases a job, so that another process takes over the jobs of a worker that has died.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.back_off import back_off
from services.clock import steady_time
from services.storage.database import upsert
from services.storage.models import Job

LEASE = timedelta(minutes=2)
"""How long a worker has a job to itself."""
_FIRST_BACK_OFF, _MAX_BACK_OFF = timedelta(seconds=30), timedelta(hours=6)


async def schedule(
    session: AsyncSession, kind: str, key: str, at: datetime, reference: str = "{}"
) -> None:
    """Schedule a job at `at`; a job with the same `key` is rescheduled.

    Two transactions that schedule the same key concurrently both succeed. A worker that holds the
    job keeps its lease, and finds the job rescheduled afterwards.

    :param reference: ids as JSON.
    """
    await _schedule(session, kind, key, reference, at=at, is_steady=False)


async def schedule_after(
    session: AsyncSession,
    kind: str,
    key: str,
    wait: timedelta,
    now: datetime,
    reference: str = "{}",
) -> None:
    """Schedule a job for when `wait` has passed by the steady clock, like `schedule`.

    After a restart it is due immediately, since nobody counted meanwhile.
    """
    at = steady_time(now) + wait
    await _schedule(session, kind, key, reference, at=at, is_steady=True)


async def _schedule(
    session: AsyncSession, kind: str, key: str, reference: str, **time: datetime | bool
) -> None:
    values = {**time, "kind": kind, "reference": reference, "attempts": 0}
    await session.execute(upsert(session, Job, {"key": key}, values))


async def rename(session: AsyncSession, key: str, new_key: str, reference: str) -> None:
    """Change the reference of a job, and its key unless another job has that."""
    is_taken = (await session.execute(select(Job.id).where(Job.key == new_key))).first() is not None
    values = {"reference": reference} if is_taken else {"reference": reference, "key": new_key}
    await session.execute(update(Job).where(Job.key == key).values(**values))


async def cancel(session: AsyncSession, key: str) -> None:
    """Delete the job with a key, if there is one."""
    await session.execute(delete(Job).where(Job.key == key))


async def cancel_with_prefix(session: AsyncSession, prefix: str) -> None:
    """Delete every job whose key begins with `prefix`."""
    await session.execute(delete(Job).where(Job.key.startswith(prefix, autoescape=True)))


async def references_with_prefix(session: AsyncSession, prefix: str) -> Mapping[str, str]:
    """The references of every job whose key begins with `prefix`, by the rest of the key."""
    has_prefix = Job.key.startswith(prefix, autoescape=True)
    rows = await session.execute(select(Job.key, Job.reference).where(has_prefix).order_by(Job.key))
    return {row[0].removeprefix(prefix): row[1] for row in rows}


async def still_exists(session: AsyncSession, row: Job) -> bool:
    """Whether a leased job was not deleted meanwhile; compares the key, since ids are reused."""
    found = await session.execute(select(Job.id).where(Job.id == row.id, Job.key == row.key))
    return found.first() is not None


async def lease_due(session: AsyncSession, now: datetime, limit: int = 50) -> Sequence[Job]:
    """Lease the jobs that are due by `now`, earliest first."""
    steady = steady_time(now)
    is_due = or_(and_(Job.is_steady, Job.at <= steady), and_(~Job.is_steady, Job.at <= now))
    is_free = or_(Job.leased_until.is_(None), Job.leased_until < steady)
    query = select(Job).where(is_due, is_free).order_by(Job.at).limit(limit)
    rows = (await session.scalars(query.with_for_update(skip_locked=True))).all()
    for row in rows:
        row.leased_until = steady + LEASE
        row.attempts += 1
    return rows


async def release_all(session: AsyncSession, running: Collection[int] = ()) -> None:
    """Release the lease of every job that is not running, by the ids of those that are."""
    leased = update(Job).where(Job.leased_until.is_not(None), Job.id.not_in(running))
    await session.execute(leased.values(leased_until=None))


async def end_waits(session: AsyncSession, now: datetime, *, also_retries: bool) -> None:
    """Make the jobs due that wait by the steady clock, when nobody counted for a while.

    :param also_retries: also those that were run and postponed.
    """
    waiting = update(Job).where(Job.is_steady, Job.at > steady_time(now))
    if not also_retries:
        waiting = waiting.where(Job.attempts == 0)
    await session.execute(waiting.values(at=steady_time(now)))


async def complete(session: AsyncSession, row: Job) -> None:
    """Delete a job that has run; one that was rescheduled meanwhile is only released."""
    await session.execute(delete(Job).where(*_is_leased_by(row), Job.attempts == row.attempts))
    await session.execute(update(Job).where(*_is_leased_by(row)).values(leased_until=None))


async def postpone(
    session: AsyncSession, row: Job, now: datetime, retry_at: datetime | None = None
) -> None:
    """Release a job that failed, to be retried at a given time or after a back-off."""
    seconds = back_off(row.attempts, _FIRST_BACK_OFF.total_seconds(), _MAX_BACK_OFF.total_seconds())
    later = update(Job).where(*_is_leased_by(row), Job.attempts == row.attempts)
    at = retry_at or steady_time(now) + timedelta(seconds=seconds)
    await session.execute(later.values(at=at, is_steady=True, leased_until=None))
    await session.execute(update(Job).where(*_is_leased_by(row)).values(leased_until=None))


def _is_leased_by(row: Job) -> tuple[ColumnElement[bool], ...]:
    """Condition that a job is still leased as in `row`.

    Rescheduling sets `attempts` to 0, by which a rescheduled job is recognised.
    """
    return Job.id == row.id, Job.leased_until == row.leased_until
