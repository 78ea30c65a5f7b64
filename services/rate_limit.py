"""How often something may be done: counted over a sliding window, persisted, never in memory.

A use is spent in a committed transaction before what it pays for is done, and given back where
that turned out right, so that neither a crash nor many tries at once gives one more. A use bears
the attempt it was spent for, so that an attempt that comes again after a crash is spent once.
"""

import json
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.embedded.models import Allowance
from services.storage.inserting import insert_new


@dataclass(frozen=True)
class Limit:
    """At most `allowed` uses within `window`; for good, where there is no window.

    :ivar rests: how long to rest before each of the last uses, so that who goes on is slowed.
    """

    scope: str
    allowed: int
    window: timedelta | None = None
    rests: tuple[timedelta, ...] = ()

    def rest(self, uses: int) -> timedelta:
        """Give how long to rest after so many uses."""
        over = uses - (self.allowed - len(self.rests))
        return self.rests[over] if 0 <= over < len(self.rests) else timedelta()


CODE: Final = Limit("code", 4)
"""Wrong codes for one UI No.: three are warned of, the fourth locks (docs/facts.md §1.5)."""
CHAT_CODES: Final = Limit("chat.codes", 3, timedelta(days=1))
"""Wrong codes from one chat, for whomever, so that one chat cannot lock somebody out."""
MAILS: Final = Limit("mails", 3, timedelta(hours=1))
"""One-time codes sent for one UI No."""
CHAT_MAILS: Final = Limit("chat.mails", 6, timedelta(hours=1))
"""One-time codes asked for by one chat, for whomever."""
MAILS_A_DAY: Final = Limit("mails.day", 10, timedelta(days=1))
CHAT_MAILS_A_DAY: Final = Limit("chat.mails.day", 20, timedelta(days=1))
CARD_NUMBERS: Final = Limit("grant.card_numbers", 3)
"""Wrong card numbers under one grant."""
PERSON_NUMBERS: Final = Limit("person.card_numbers", 6, timedelta(days=1))
"""Wrong card numbers for one person, under however many grants."""
CHAT_GUESSES: Final = Limit(
    "chat.guesses",
    10,
    timedelta(days=1),
    rests=tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60)),
)
"""Wrong entries of every kind from one chat, for whomever: five at once, then ever more slowly."""
CHAT_CHECKS: Final = Limit("chat.checks", 30, timedelta(hours=1))
"""Codes checked for one chat, right or wrong: each costs a hash."""
CHAT_LINKS: Final = Limit("chat.links", 5, timedelta(days=1))
"""How often one chat is linked: each time others are told."""

PASSING: Final = (
    CHAT_CODES, MAILS, CHAT_MAILS, MAILS_A_DAY, CHAT_MAILS_A_DAY, PERSON_NUMBERS, CHAT_GUESSES,
    CHAT_CHECKS, CHAT_LINKS,
)  # fmt: skip
"""Limits whose uses fall out of their window."""
OF_A_PERSON: Final = (CODE, MAILS, MAILS_A_DAY, PERSON_NUMBERS)
"""Limits that are kept under a UI No."""


@dataclass(frozen=True)
class Spent:
    """One use.

    :ivar left: how many are left after it.
    :ivar until: when the first use falls out of the window.
    """

    limit: Limit
    subject: bytes
    use: "Use"
    left: int
    until: datetime


@dataclass(frozen=True)
class Use:
    """When something was done.

    :ivar attempt: what it was spent for; empty where it does not come again.
    :ivar is_settled: whether what follows from it was done.
    """

    moment: float
    attempt: str = ""
    is_settled: bool = False


class UsedUpError(Exception):
    """There is no use left.

    :ivar until: when there will be one; for good, `None`.
    """

    def __init__(self, limit: Limit, until: datetime | None) -> None:
        super().__init__(limit.scope)
        self.limit = limit
        self.until = until


async def spend(
    session: AsyncSession, limit: Limit, subject: bytes, now: datetime, attempt: str = ""
) -> Spent:
    """Spend one use; it counts once the unit of work is committed.

    :param attempt: what it is spent for; one that was spent before is given again.
    :raises UsedUpError: when there is none left.
    """
    new = insert_new(session, Allowance)
    await session.execute(new.values(scope=limit.scope, subject=subject, uses="[]"))
    row = await _locked(session, limit, subject)
    assert row is not None
    uses = _within(limit, _read(row), now)
    again = next((use for use in uses if attempt and use.attempt == attempt), None)
    if again is None:
        if len(uses) >= limit.allowed:
            raise UsedUpError(limit, _until(limit, uses[-limit.allowed]))
        if (rested := _rested(limit, uses)) and rested > now:
            raise UsedUpError(limit, rested)
        uses.append(Use(now.timestamp(), attempt))
        _write(row, uses)
    until = _until(limit, uses[0]) or now
    return Spent(limit, subject, again or uses[-1], limit.allowed - len(uses), until)


async def refund(session: AsyncSession, spent: Spent) -> None:
    """Give a use back."""
    row = await _locked(session, spent.limit, spent.subject)
    if row is None:
        return
    uses = _read(row)
    if spent.use in uses:
        uses.remove(spent.use)
    _write(row, uses)


async def settle(session: AsyncSession, spent: Spent) -> bool:
    """Note that what follows from a use was done; `False` where it was noted before."""
    row = await _locked(session, spent.limit, spent.subject)
    if row is None:
        return True
    uses = _read(row)
    if spent.use not in uses:
        return not spent.use.is_settled and replace(spent.use, is_settled=True) not in uses
    if spent.use.is_settled:
        return False
    uses[uses.index(spent.use)] = replace(spent.use, is_settled=True)
    _write(row, uses)
    return True


async def clear(session: AsyncSession, limit: Limit, subject: bytes) -> int:
    """Forget every use, and give how many there were."""
    row = await _locked(session, limit, subject)
    if row is None:
        return 0
    count = len(_read(row))
    await session.delete(row)
    await session.flush()
    return count


async def left(session: AsyncSession, limit: Limit, subject: bytes, now: datetime) -> int:
    """Tell how many uses are left."""
    row = await session.get(Allowance, (limit.scope, subject))
    uses = _read(row) if row else []
    return max(0, limit.allowed - len(_within(limit, uses, now)))


async def tidy(session: AsyncSession, limits: tuple[Limit, ...], now: datetime) -> None:
    """Strike out allowances whose every use fell out of the window."""
    for limit in limits:
        rows = await session.scalars(select(Allowance).where(Allowance.scope == limit.scope))
        old = [row.subject for row in rows if not _within(limit, _read(row), now)]
        gone = (Allowance.scope == limit.scope, Allowance.subject.in_(old))
        await session.execute(delete(Allowance).where(*gone))


async def _locked(session: AsyncSession, limit: Limit, subject: bytes) -> Allowance | None:
    await session.flush()
    key = (limit.scope, subject)
    return await session.get(Allowance, key, populate_existing=True, with_for_update=True)


def _read(row: Allowance) -> list[Use]:
    """Give the uses of a row; one that bears nothing else may be its bare moment."""
    stored = json.loads(row.uses)
    return [Use(*each) if isinstance(each, list) else Use(each) for each in stored]


def _write(row: Allowance, uses: list[Use]) -> None:
    row.uses = json.dumps([astuple(use) for use in uses])


def _within(limit: Limit, uses: list[Use], now: datetime) -> list[Use]:
    if limit.window is None:
        return uses
    start = (now - limit.window).timestamp()
    return [use for use in uses if use.moment > start]


def _rested(limit: Limit, uses: list[Use]) -> datetime | None:
    """Give when the rest after the last use is over; `None` where none is asked."""
    rest = limit.rest(len(uses))
    return datetime.fromtimestamp(uses[-1].moment, UTC) + rest if rest else None


def _until(limit: Limit, use: Use) -> datetime | None:
    if limit.window is None:
        return None
    return datetime.fromtimestamp(use.moment, UTC) + limit.window
