"""Persisted rate limits: how often something may be done within a sliding window.

A use is consumed in a committed transaction before what it pays for is done, and refunded where
that turned out right, so that neither a crash nor concurrent tries give one more. A use is stored
with the attempt it was consumed for: an attempt that is repeated after a crash is counted once.
Windows and pauses are counted by the steady clock.
"""

import json
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import LargeBinary, String, Text, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from services.clock import steady_time, wall_time
from services.storage.database import Base, insert_or_ignore, lock_row


class RateLimitRecord(Base):
    """The uses of one limit by one subject."""

    __tablename__ = "allowances"

    scope: Mapped[str] = mapped_column(String(24), primary_key=True)
    subject: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    uses: Mapped[str] = mapped_column(Text, default="[]")
    """JSON, oldest first: the fields of each `RecordedUse`."""


@dataclass(frozen=True)
class RateLimit:
    """At most `max_uses` within `window`, or ever, where there is no window.

    :ivar pauses: how long to wait before each of the last uses, so that guessing gets slower.
    """

    scope: str
    max_uses: int
    window: timedelta | None = None
    pauses: tuple[timedelta, ...] = ()

    def pause_after(self, uses: int) -> timedelta:
        """Return how long to wait after this many uses."""
        index = uses - (self.max_uses - len(self.pauses))
        return self.pauses[index] if 0 <= index < len(self.pauses) else timedelta()


@dataclass(frozen=True)
class RecordedUse:
    """One use as it is stored.

    :ivar moment: seconds since 1970, by the steady clock.
    :ivar attempt: what it was consumed for; empty where that is never repeated.
    :ivar is_settled: whether its consequences were recorded.
    """

    moment: float
    attempt: str = ""
    is_settled: bool = False


@dataclass(frozen=True)
class Consumption:
    """A use that was consumed.

    :ivar remaining: how many uses are left after it.
    :ivar until: when the first use leaves the window.
    """

    limit: RateLimit
    subject: bytes
    use: RecordedUse
    remaining: int
    until: datetime


class RateLimitedError(Exception):
    """No use is left.

    :ivar until: when there will be one; `None` for never.
    """

    def __init__(self, limit: RateLimit, until: datetime | None) -> None:
        super().__init__(limit.scope)
        self.limit = limit
        self.until = until


async def consume(
    session: AsyncSession, limit: RateLimit, subject: bytes, now: datetime, attempt: str = ""
) -> Consumption:
    """Consume one use; it counts once the unit of work is committed.

    :param attempt: what it is consumed for; a repeated attempt is not counted again.
    :raises RateLimitedError: when none is left.
    """
    new = insert_or_ignore(session, RateLimitRecord)
    await session.execute(new.values(scope=limit.scope, subject=subject, uses="[]"))
    row = await _lock(session, limit, subject)
    assert row is not None
    uses = _uses_in_window(limit, _read(row), now)
    again = next((use for use in uses if attempt and use.attempt == attempt), None)
    if again is None:
        if len(uses) >= limit.max_uses:
            raise RateLimitedError(limit, _window_end(limit, uses[-limit.max_uses], now))
        if (pause_end := _pause_end(limit, uses, now)) and pause_end > now:
            raise RateLimitedError(limit, pause_end)
        uses.append(RecordedUse(steady_time(now).timestamp(), attempt))
        _write(row, uses)
    until = _window_end(limit, uses[0], now) or now
    return Consumption(limit, subject, again or uses[-1], limit.max_uses - len(uses), until)


async def refund(session: AsyncSession, consumption: Consumption) -> None:
    """Return a use to its limit."""
    row = await _lock(session, consumption.limit, consumption.subject)
    if row is None:
        return
    uses = _read(row)
    if consumption.use in uses:
        uses.remove(consumption.use)
    _write(row, uses)


async def refund_attempt(
    session: AsyncSession, limit: RateLimit, subject: bytes, attempt: str
) -> None:
    """Return the use that was consumed for an attempt; nothing where that was done before."""
    row = await _lock(session, limit, subject)
    if row is not None:
        _write(row, [use for use in _read(row) if use.attempt != attempt])


async def settle(session: AsyncSession, consumption: Consumption) -> bool:
    """Mark the consequences of a use as recorded; `False` where they were before."""
    use = consumption.use
    row = await _lock(session, consumption.limit, consumption.subject)
    if row is None:
        return True
    uses = _read(row)
    if use not in uses:
        return not use.is_settled and replace(use, is_settled=True) not in uses
    if use.is_settled:
        return False
    uses[uses.index(use)] = replace(use, is_settled=True)
    _write(row, uses)
    return True


async def reset(session: AsyncSession, limit: RateLimit, subject: bytes) -> int:
    """Delete every use; return how many there were."""
    row = await _lock(session, limit, subject)
    if row is None:
        return 0
    count = len(_read(row))
    await session.delete(row)
    await session.flush()
    return count


async def count_remaining(
    session: AsyncSession, limit: RateLimit, subject: bytes, now: datetime
) -> int:
    """Return how many uses are left."""
    row = await session.get(RateLimitRecord, (limit.scope, subject))
    uses = _read(row) if row else []
    return max(0, limit.max_uses - len(_uses_in_window(limit, uses, now)))


async def delete_unused_limits(
    session: AsyncSession, limits: tuple[RateLimit, ...], now: datetime
) -> None:
    """Delete the records whose every use has left the window."""
    for limit in limits:
        of_limit = select(RateLimitRecord).where(RateLimitRecord.scope == limit.scope)
        rows = await session.scalars(of_limit)
        old = [row.subject for row in rows if not _uses_in_window(limit, _read(row), now)]
        gone = (RateLimitRecord.scope == limit.scope, RateLimitRecord.subject.in_(old))
        await session.execute(delete(RateLimitRecord).where(*gone))


async def restart_windows(session: AsyncSession, now: datetime) -> None:
    """Count the uses that lie in the future from now on, after the clock was set back.

    A limit ends no sooner than it was promised to, so that setting a clock gives no guesses.
    """
    latest = steady_time(now).timestamp()
    for row in await session.scalars(select(RateLimitRecord).with_for_update()):
        uses = _read(row)
        if any(use.moment > latest for use in uses):
            _write(row, [replace(use, moment=min(use.moment, latest)) for use in uses])


async def _lock(session: AsyncSession, limit: RateLimit, subject: bytes) -> RateLimitRecord | None:
    return await lock_row(session, RateLimitRecord, (limit.scope, subject))


def _read(row: RateLimitRecord) -> list[RecordedUse]:
    """Parse the uses of a row; one without attempt may be stored as its bare moment."""
    stored = json.loads(row.uses)
    return [RecordedUse(*each) if isinstance(each, list) else RecordedUse(each) for each in stored]


def _write(row: RateLimitRecord, uses: list[RecordedUse]) -> None:
    row.uses = json.dumps([astuple(use) for use in uses])


def _uses_in_window(limit: RateLimit, uses: list[RecordedUse], now: datetime) -> list[RecordedUse]:
    if limit.window is None:
        return uses
    start = (steady_time(now) - limit.window).timestamp()
    return [use for use in uses if use.moment > start]


def _pause_end(limit: RateLimit, uses: list[RecordedUse], now: datetime) -> datetime | None:
    """Return when the pause after the last use is over; `None` where there is none."""
    pause = limit.pause_after(len(uses))
    return _time_after(uses[-1], pause, now) if pause else None


def _window_end(limit: RateLimit, use: RecordedUse, now: datetime) -> datetime | None:
    return None if limit.window is None else _time_after(use, limit.window, now)


def _time_after(use: RecordedUse, wait: timedelta, now: datetime) -> datetime:
    """Return what the wall clock will show when `wait` has passed since a use."""
    return wall_time(datetime.fromtimestamp(use.moment, UTC) + wait, now)
