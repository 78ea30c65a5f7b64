"""Deadlines and validity, by the calendar in Taipei."""

from datetime import UTC, date, datetime, time, timedelta, timezone

TAIPEI = timezone(timedelta(hours=8), "Asia/Taipei")
"""Without summer time, so that no time zone data is needed."""
PAYMENT_DAYS = 15
"""Days to pay in, counted from the day after the application (docs/facts.md §1.2)."""
VALIDITY_YEARS = 5
"""How long certificates are valid (docs/facts.md §1.3)."""


def today(now: datetime) -> date:
    """The date in Taipei."""
    return now.astimezone(TAIPEI).date()


def payment_deadline(submitted_at: datetime) -> datetime:
    """The end of the last day to pay on."""
    return _start_of(today(submitted_at) + timedelta(days=PAYMENT_DAYS + 1))


def last_payment_day(deadline: datetime) -> date:
    """The last day to pay on."""
    return today(deadline) - timedelta(days=1)


def validity_end(start: datetime) -> datetime:
    """The end of validity of certificates issued at `start`: the end of the day, five years on."""
    day = today(start)
    try:
        end = day.replace(year=day.year + VALIDITY_YEARS)
    except ValueError:  # 29 February
        end = date(day.year + VALIDITY_YEARS, 2, 28)
    return _start_of(end + timedelta(days=1)) - timedelta(seconds=1)


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), TAIPEI).astimezone(UTC)
