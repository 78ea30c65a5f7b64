"""Business hours: weekdays with several spans each, and holidays, by the calendar in Taipei."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from services.calendar import TAIPEI, today

DEFAULT_HOURS = "Mon-Fri 09:00-12:00 13:30-18:00"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAYS = re.compile(r"([A-Z][a-z]{2})(?:-([A-Z][a-z]{2}))?")
_SPAN = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")
_END_OF_DAY = timedelta(days=1)
_MAX_HOLIDAYS = 366


@dataclass(frozen=True)
class Span:
    """A part of a day, as time since midnight."""

    start: timedelta
    end: timedelta


@dataclass(frozen=True)
class BusinessHours:
    """When somebody is at the desk.

    :ivar spans: of each weekday (0 is Monday), in order and without overlap.
    """

    spans: Mapping[int, tuple[Span, ...]]
    holidays: frozenset[date] = frozenset()

    def is_open(self, now: datetime) -> bool:
        """Whether somebody is there."""
        return any(start <= now < end for start, end in self._spans_from(now, days=1))

    def next_opening(self, now: datetime) -> datetime:
        """Return when somebody is there next; `now` while somebody is."""
        return self.add(now, timedelta())

    def add(self, now: datetime, duration: timedelta) -> datetime:
        """Return the moment when `duration` of business time has passed since `now`."""
        for start, end in self._spans_from(now):
            begin = max(start, now)
            if begin + duration < end:
                return begin + duration
            duration -= max(end - begin, timedelta())
        raise AssertionError("hours are never empty")

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return how much business time lies between two moments."""
        total = timedelta()
        for opening, closing in self._spans_from(start):
            if opening >= end:
                break
            total += min(closing, end) - max(opening, start)
        return total

    def _spans_from(
        self, now: datetime, days: int = 2 * _MAX_HOLIDAYS + 7
    ) -> Iterator[tuple[datetime, datetime]]:
        """Yield the spans of business time that end after `now`, in order."""
        first = today(now)
        for day in (first + timedelta(days=number) for number in range(days)):
            if day in self.holidays:
                continue
            midnight = datetime(day.year, day.month, day.day, tzinfo=TAIPEI).astimezone(UTC)
            for span in self.spans.get(day.weekday(), ()):
                if midnight + span.end > now:
                    yield midnight + span.start, midnight + span.end


def parse_hours(text: str, holidays: Iterable[date] = ()) -> BusinessHours:
    """Parse hours such as ``Mon-Fri 09:00-12:00 13:30-18:00; Sat 09:00-12:00``.

    :raises ValueError: naming what is wrong.
    """
    spans: dict[int, tuple[Span, ...]] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        days, *written = part.split()
        found = tuple(map(_parse_span, written))
        if not found or any(a.end > b.start for a, b in pairwise(found)):
            raise ValueError(f"the spans of {days} are missing, overlap or are out of order")
        for day in _parse_days(days):
            if day in spans:
                raise ValueError(f"{WEEKDAYS[day]} stands twice")
            spans[day] = found
    closed = frozenset(holidays)
    if not spans or len(closed) > _MAX_HOLIDAYS:
        raise ValueError(f"there are no days, or more than {_MAX_HOLIDAYS} holidays")
    return BusinessHours(spans, closed)


def _parse_days(text: str) -> range:
    match = _DAYS.fullmatch(text)
    names = [name for name in match.groups() if name] if match else []
    if not names or not set(names) <= set(WEEKDAYS):
        raise ValueError(f"{text!r} is not a day or range of days such as Mon-Fri")
    first, last = WEEKDAYS.index(names[0]), WEEKDAYS.index(names[-1])
    if first > last:
        raise ValueError(f"{text!r} ends before it begins")
    return range(first, last + 1)


def _parse_span(text: str) -> Span:
    match = _SPAN.fullmatch(text)
    if match is None or int(match[2]) > 59 or int(match[4]) > 59:
        raise ValueError(f"{text!r} is not a span such as 09:00-12:00")
    start = timedelta(hours=int(match[1]), minutes=int(match[2]))
    end = timedelta(hours=int(match[3]), minutes=int(match[4]))
    if not start < end <= _END_OF_DAY:
        raise ValueError(f"{text!r} ends before it begins, or after 24:00")
    return Span(start, end)
