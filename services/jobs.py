"""What falls due: one table of things to do at a moment, and the verbs to take and finish them.

A row is taken under a lease, so that a process that dies leaves it to the next one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.storage.inserting import insert_or_update
from services.storage.models import Due

LEASE = timedelta(minutes=2)
"""How long one taker has a row to itself."""
_BACK_OFF = timedelta(seconds=30)
_LONGEST_BACK_OFF = timedelta(hours=6)


class NotYetError(Exception):
    """What fell due cannot be done before a moment, which is known and is no failure.

    :ivar until: when to try again.
    """

    def __init__(self, until: datetime) -> None:
        super().__init__(f"not before {until:%Y-%m-%d %H:%M:%S}Z")
        self.until = until


async def schedule(
    session: AsyncSession, kind: str, key: str, at: datetime, reference: str = "{}"
) -> None:
    """Put down that `kind` falls due at `at`; a known `key` is moved there, not doubled.

    Two transactions that put down the same key at once both succeed, one after the other. Whoever
    is at work on the row keeps it for as long as it is leased, and finds it moved afterwards.
    """
    values = {"at": at, "kind": kind, "reference": reference, "attempts": 0}
    await session.execute(insert_or_update(session, Due, {"key": key}, values))


async def cancel(session: AsyncSession, key: str) -> None:
    """Strike out what was put down under `key`; does nothing where it is not there."""
    await session.execute(delete(Due).where(Due.key == key))


async def cancel_below(session: AsyncSession, prefix: str) -> None:
    """Strike out everything whose key begins with `prefix`."""
    await session.execute(delete(Due).where(Due.key.startswith(prefix, autoescape=True)))


async def references_below(session: AsyncSession, prefix: str) -> Mapping[str, str]:
    """Give the references of everything whose key begins with `prefix`, by what follows it."""
    below = Due.key.startswith(prefix, autoescape=True)
    rows = await session.execute(select(Due.key, Due.reference).where(below).order_by(Due.key))
    return {row[0].removeprefix(prefix): row[1] for row in rows}


async def is_there(session: AsyncSession, row: Due) -> bool:
    """Tell whether a row that was taken was not struck out meanwhile; numbers are used again."""
    found = await session.execute(select(Due.id).where(Due.id == row.id, Due.key == row.key))
    return found.first() is not None


async def take(session: AsyncSession, now: datetime, limit: int = 50) -> Sequence[Due]:
    """Lease what is due by `now`, earliest first."""
    free = or_(Due.leased_until.is_(None), Due.leased_until < now)
    query = select(Due).where(Due.at <= now, free).order_by(Due.at).limit(limit)
    rows = (await session.scalars(query.with_for_update(skip_locked=True))).all()
    for row in rows:
        row.leased_until = now + LEASE
        row.attempts += 1
    return rows


async def free(session: AsyncSession) -> None:
    """Give back everything that is taken, since nobody is at work on it any more."""
    taken = update(Due).where(Due.leased_until.is_not(None))
    await session.execute(taken.values(leased_until=None))


async def finish(session: AsyncSession, row: Due) -> None:
    """Strike out a row that was done; one that was scheduled anew meanwhile is given back."""
    await session.execute(delete(Due).where(*_held(row), Due.attempts == row.attempts))
    await session.execute(update(Due).where(*_held(row)).values(leased_until=None))


async def postpone(
    session: AsyncSession, row: Due, now: datetime, until: datetime | None = None
) -> None:
    """Give back a row that failed, to be tried again later each time, or at a known moment."""
    wait = min(_BACK_OFF * 2 ** (row.attempts - 1), _LONGEST_BACK_OFF)
    later = update(Due).where(*_held(row), Due.attempts == row.attempts)
    await session.execute(later.values(at=until or now + wait, leased_until=None))
    await session.execute(update(Due).where(*_held(row)).values(leased_until=None))


def _held(row: Due) -> tuple[ColumnElement[bool], ...]:
    """Give what holds while a row is leased to who took it.

    Scheduling it anew sets its attempts to 0, which tells the two apart.
    """
    return Due.id == row.id, Due.leased_until == row.leased_until
