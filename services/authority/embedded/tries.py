"""How often something may be done: counted over a sliding window, persisted, never in memory.

A use is spent in a committed transaction before what it pays for is done, and given back where
that turned out right, so that neither a crash nor many tries at once gives one more.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.embedded.models import Allowance
from services.authority.embedded.transactions import insert_new


@dataclass(frozen=True)
class Limit:
    """At most `allowed` uses within `window`; for good, where there is no window."""

    scope: str
    allowed: int
    window: timedelta | None = None


CODE: Final = Limit("code", 4)
"""Wrong codes for one UI No.: three are warned of, the fourth locks (FACTS.md §1.5)."""
CHAT_CODES: Final = Limit("chat.codes", 3, timedelta(days=1))
"""Wrong codes from one chat, for whomever, so that one chat cannot lock somebody out."""
MAILS: Final = Limit("mails", 3, timedelta(hours=1))
"""One-time codes sent for one UI No."""
CHAT_MAILS: Final = Limit("chat.mails", 6, timedelta(hours=1))
"""One-time codes asked for by one chat, for whomever."""
CARD_NUMBERS: Final = Limit("grant.card_numbers", 3)
"""Wrong card numbers under one grant."""


@dataclass(frozen=True)
class Spent:
    """One use.

    :ivar left: how many are left after it.
    :ivar until: when the first use falls out of the window.
    """

    limit: Limit
    subject: bytes
    moment: float
    left: int
    until: datetime


class UsedUpError(Exception):
    """There is no use left.

    :ivar until: when there will be one; for good, `None`.
    """

    def __init__(self, limit: Limit, until: datetime | None) -> None:
        super().__init__(limit.scope)
        self.limit = limit
        self.until = until


async def spend(session: AsyncSession, limit: Limit, subject: bytes, now: datetime) -> Spent:
    """Spend one use; it counts once the unit of work is committed.

    :raises UsedUpError: when there is none left.
    """
    new = insert_new(session, Allowance)
    await session.execute(new.values(scope=limit.scope, subject=subject, uses="[]"))
    row = await _locked(session, limit, subject)
    assert row is not None
    uses = _within(limit, json.loads(row.uses), now)
    if len(uses) >= limit.allowed:
        raise UsedUpError(limit, _until(limit, uses[-limit.allowed]))
    uses.append(now.timestamp())
    row.uses = json.dumps(uses)
    until = _until(limit, uses[0]) or now
    return Spent(limit, subject, uses[-1], limit.allowed - len(uses), until)


async def refund(session: AsyncSession, spent: Spent) -> None:
    """Give a use back."""
    row = await _locked(session, spent.limit, spent.subject)
    if row is None:
        return
    uses: list[float] = json.loads(row.uses)
    if spent.moment in uses:
        uses.remove(spent.moment)
    row.uses = json.dumps(uses)


async def clear(session: AsyncSession, limit: Limit, subject: bytes) -> int:
    """Forget every use, and give how many there were."""
    row = await _locked(session, limit, subject)
    if row is None:
        return 0
    count = len(json.loads(row.uses))
    await session.delete(row)
    await session.flush()
    return count


async def left(session: AsyncSession, limit: Limit, subject: bytes, now: datetime) -> int:
    """Tell how many uses are left."""
    row = await session.get(Allowance, (limit.scope, subject))
    uses = json.loads(row.uses) if row else []
    return max(0, limit.allowed - len(_within(limit, uses, now)))


async def tidy(session: AsyncSession, limits: tuple[Limit, ...], now: datetime) -> None:
    """Strike out allowances whose every use fell out of the window."""
    for limit in limits:
        rows = await session.scalars(select(Allowance).where(Allowance.scope == limit.scope))
        old = [row.subject for row in rows if not _within(limit, json.loads(row.uses), now)]
        gone = (Allowance.scope == limit.scope, Allowance.subject.in_(old))
        await session.execute(delete(Allowance).where(*gone))


async def _locked(session: AsyncSession, limit: Limit, subject: bytes) -> Allowance | None:
    await session.flush()
    key = (limit.scope, subject)
    return await session.get(Allowance, key, populate_existing=True, with_for_update=True)


def _within(limit: Limit, uses: list[float], now: datetime) -> list[float]:
    if limit.window is None:
        return uses
    start = (now - limit.window).timestamp()
    return [use for use in uses if use > start]


def _until(limit: Limit, use: float) -> datetime | None:
    return None if limit.window is None else datetime.fromtimestamp(use, UTC) + limit.window
