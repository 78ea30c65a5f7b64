"""What falls due: one table of things to do at a moment, and the verbs to take and finish them.

A row is taken under a lease, so that a process that dies leaves it to the next one.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.storage.models import Due

LEASE = timedelta(minutes=2)
"""How long one taker has a row to itself."""
_BACK_OFF = timedelta(seconds=30)
_LONGEST_BACK_OFF = timedelta(hours=6)


async def schedule(
    session: AsyncSession, kind: str, key: str, at: datetime, reference: str = "{}"
) -> None:
    """Put down that `kind` falls due at `at`; a known `key` is moved there, not doubled."""
    moved = update(Due).where(Due.key == key)
    values = {"at": at, "kind": kind, "reference": reference, "attempts": 0, "leased_until": None}
    found = await session.execute(moved.values(**values).returning(Due.id))
    if found.first() is None:
        session.add(Due(key=key, **values))
        await session.flush()


async def cancel(session: AsyncSession, key: str) -> None:
    """Strike out what was put down under `key`; does nothing where it is not there."""
    await session.execute(delete(Due).where(Due.key == key))


async def take(session: AsyncSession, now: datetime, limit: int = 50) -> Sequence[Due]:
    """Lease what is due by `now`, earliest first."""
    free = or_(Due.leased_until.is_(None), Due.leased_until < now)
    query = select(Due).where(Due.at <= now, free).order_by(Due.at).limit(limit)
    rows = (await session.scalars(query.with_for_update(skip_locked=True))).all()
    for row in rows:
        row.leased_until = now + LEASE
        row.attempts += 1
    return rows


async def finish(session: AsyncSession, row: Due) -> None:
    """Strike out a row that was done, unless it was scheduled anew meanwhile."""
    same = (Due.id == row.id, Due.at == row.at, Due.leased_until == row.leased_until)
    await session.execute(delete(Due).where(*same))


async def postpone(session: AsyncSession, row: Due, now: datetime) -> None:
    """Give back a row that failed, to be tried again later each time."""
    wait = min(_BACK_OFF * 2 ** (row.attempts - 1), _LONGEST_BACK_OFF)
    same = (Due.id == row.id, Due.leased_until == row.leased_until)
    await session.execute(update(Due).where(*same).values(at=now + wait, leased_until=None))
