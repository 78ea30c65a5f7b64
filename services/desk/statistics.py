"""Figures of the support desk, in business time; without anything that names a subscriber.

They rest on the tickets, and so reach back as far as tickets are kept.
"""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.hours import BusinessHours
from services.desk.models import Ticket
from services.desk.ticket_states import TicketState
from services.faq import votes

_WAIT_MEASURED = timedelta(days=14)
_MAX_MEASURED = 50
_MIN_MEASURED = 3
"""Answers below which nothing is said of how long people wait."""
_MOST = 0.75
_MIN_VOTES = 3
"""Ratings below which an answer counts as neither helpful nor not."""
_LISTED = 5
_CSV_COLUMNS = (
    "ticket", "opened", "language", "lost_card", "after_answer", "reason",
    "first_answer_minutes", "resolution_minutes", "helpful",
)  # fmt: skip


@dataclass(frozen=True)
class TicketFigures:
    """What is counted of a ticket.

    :ivar first_answer: business time until somebody answered; `None` while nobody has.
    :ivar resolution: business time until it was resolved.
    """

    number: int
    opened_at: datetime
    language: str
    is_lost_card: bool
    origin: str
    reason: str
    first_answer: timedelta | None
    resolution: timedelta | None
    is_helpful: bool | None


@dataclass(frozen=True)
class DeskStatistics:
    """The tickets opened within a period, in numbers.

    :ivar by_reason: of those that are resolved; the empty reason where none was given.
    :ivar unanswered: how many nobody has answered, resolved or not.
    :ivar first_answer: the median, and what nine in ten stayed within.
    :ivar origins: ids of the answers after which people asked for a person, and how often.
    :ivar least_helpful: ids of the answers that most people find not helpful, with 👍 and 👎.
    """

    opened: int
    resolved: int
    unanswered: int
    by_language: Mapping[str, int]
    by_reason: Mapping[str, int]
    first_answer: tuple[timedelta, timedelta] | None
    resolution: tuple[timedelta, timedelta] | None
    helpful: int
    not_helpful: int
    origins: Sequence[tuple[str, int]]
    least_helpful: Sequence[tuple[str, int, int]]


async def load_figures(
    session: AsyncSession, hours: BusinessHours, since: datetime
) -> list[TicketFigures]:
    """Return the tickets opened since a moment, oldest first."""
    query = select(Ticket).where(Ticket.opened_at >= since).order_by(Ticket.id)
    return [_figures_of(ticket, hours) for ticket in await session.scalars(query)]


async def load_statistics(
    session: AsyncSession, hours: BusinessHours, since: datetime
) -> DeskStatistics:
    """Return the numbers of the tickets opened since a moment."""
    figures = await load_figures(session, hours, since)
    ended = [each for each in figures if each.resolution is not None]
    ratings = Counter(each.is_helpful for each in figures)
    origins = Counter(each.origin for each in figures if each.origin)
    return DeskStatistics(
        opened=len(figures),
        resolved=len(ended),
        unanswered=sum(each.first_answer is None for each in figures),
        by_language=Counter(each.language for each in figures),
        by_reason=Counter(each.reason for each in ended),
        first_answer=_spread([each.first_answer for each in figures]),
        resolution=_spread([each.resolution for each in ended]),
        helpful=ratings[True],
        not_helpful=ratings[False],
        origins=origins.most_common(_LISTED),
        least_helpful=_least_helpful(await votes.count_by_entry(session)),
    )


async def measure_wait(
    session: AsyncSession, hours: BusinessHours, now: datetime
) -> timedelta | None:
    """Return the business time within which most people were answered lately.

    Whoever still waits counts with the time so far. `None` where too few were answered to say.
    """
    is_recent = Ticket.opened_at >= now - _WAIT_MEASURED
    is_waiting = Ticket.state.in_((TicketState.WAITING, TicketState.TAKEN))
    columns = select(Ticket.opened_at, Ticket.first_answered_at)
    query = columns.where(is_recent, Ticket.first_answered_at.is_not(None) | is_waiting)
    query = query.order_by(Ticket.id.desc()).limit(_MAX_MEASURED)
    rows = (await session.execute(query)).all()
    if sum(answered is not None for _, answered in rows) < _MIN_MEASURED:
        return None
    waits = [hours.between(opened, answered or now) for opened, answered in rows]
    return _quantile(waits, _MOST)


def write_csv(figures: Sequence[TicketFigures]) -> str:
    """Return the figures as CSV, a ticket a line, durations in minutes of business time."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_CSV_COLUMNS)
    for each in figures:
        writer.writerow(
            [
                each.number,
                each.opened_at.isoformat(timespec="seconds"),
                each.language,
                int(each.is_lost_card),
                each.origin,
                each.reason,
                _minutes(each.first_answer),
                _minutes(each.resolution),
                "" if each.is_helpful is None else int(each.is_helpful),
            ]
        )
    return text.getvalue()


def _figures_of(ticket: Ticket, hours: BusinessHours) -> TicketFigures:
    answered, resolved = ticket.first_answered_at, ticket.resolved_at
    between, opened = hours.between, ticket.opened_at
    return TicketFigures(
        number=ticket.id,
        opened_at=opened,
        language=ticket.language,
        is_lost_card=ticket.is_lost_card,
        origin=ticket.origin,
        reason=ticket.reason or "",
        first_answer=None if answered is None else between(opened, answered),
        resolution=None if resolved is None else between(opened, resolved),
        is_helpful=ticket.is_helpful,
    )


def _spread(durations: Sequence[timedelta | None]) -> tuple[timedelta, timedelta] | None:
    known = [each for each in durations if each is not None]
    return (_quantile(known, 0.5), _quantile(known, 0.9)) if known else None


def _quantile(durations: Sequence[timedelta], share: float) -> timedelta:
    """Return the shortest duration that this share of them stays within."""
    return sorted(durations)[ceil(share * len(durations)) - 1]


def _least_helpful(counts: Mapping[str, tuple[int, int]]) -> list[tuple[str, int, int]]:
    rated = [(entry, yes, no) for entry, (yes, no) in counts.items() if yes + no >= _MIN_VOTES]
    bad = [each for each in rated if each[2] > each[1]]
    return sorted(bad, key=lambda each: each[1] / (each[1] + each[2]))[:_LISTED]


def _minutes(duration: timedelta | None) -> str:
    return "" if duration is None else str(round(duration.total_seconds() / 60))
