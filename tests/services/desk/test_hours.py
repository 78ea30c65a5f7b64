"""Business hours, by the calendar in Taipei."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.calendar import TAIPEI
from services.desk.hours import DEFAULT_HOURS, parse_hours

HOURS = parse_hours(DEFAULT_HOURS, [date(2026, 12, 25)])
HALF_HOUR = timedelta(minutes=30)


def taipei(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=TAIPEI).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "is_open"),
    [
        (taipei(30, 8, 59), False),
        (taipei(30, 9), True),
        (taipei(30, 11, 59), True),
        (taipei(30, 12), False),
        (taipei(30, 13, 30), True),
        (taipei(30, 18), False),
        (taipei(28, 10), False),
        (taipei(25, 10, month=12), False),
    ],
)
def test_somebody_is_there_within_the_spans_of_a_working_day(now: datetime, is_open: bool) -> None:
    assert HOURS.is_open(now) is is_open


def test_the_next_opening_skips_lunch_nights_weekends_and_holidays() -> None:
    assert HOURS.next_opening(taipei(30, 10)) == taipei(30, 10)
    assert HOURS.next_opening(taipei(30, 12, 10)) == taipei(30, 13, 30)
    assert HOURS.next_opening(taipei(27, 18)) == taipei(30, 9)
    assert HOURS.next_opening(taipei(24, 18, month=12)) == taipei(28, 9, month=12)


def test_business_time_stands_still_while_nobody_is_there() -> None:
    assert HOURS.add(taipei(30, 10), HALF_HOUR) == taipei(30, 10, 30)
    assert HOURS.add(taipei(30, 11, 50), HALF_HOUR) == taipei(30, 13, 50)
    assert HOURS.add(taipei(27, 17, 45), HALF_HOUR) == taipei(30, 9, 15)
    assert HOURS.add(taipei(30, 11, 30), HALF_HOUR) == taipei(30, 13, 30)


@given(
    st.timedeltas(timedelta(), timedelta(days=700)).map(lambda passed: taipei(1, 0) + passed),
    st.timedeltas(timedelta(), timedelta(days=10)),
    st.timedeltas(timedelta(), timedelta(hours=9)),
)
def test_business_time_adds_up(now: datetime, first: timedelta, second: timedelta) -> None:
    assert HOURS.add(HOURS.add(now, first), second) == HOURS.add(now, first + second)
    assert HOURS.is_open(HOURS.add(now, first))


def test_a_day_may_be_open_around_the_clock() -> None:
    always = parse_hours("Mon-Sun 00:00-24:00")
    assert always.add(taipei(30, 23), timedelta(days=3)) == taipei(3, 23, month=12)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Mon",
        "Mon-Fri 9-12",
        "Mon-Fri 12:00-09:00",
        "Fri-Mon 09:00-12:00",
        "Mon 09:00-12:00; Mon 13:00-14:00",
        "Mon 09:00-12:00 11:00-13:00",
        "Mon 09:00-25:00",
        "Mon 09:70-12:00",
        "Monday 09:00-12:00",
    ],
)
def test_hours_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_hours(text)


def test_business_time_between_two_moments_leaves_nights_lunch_and_holidays_out() -> None:
    hours = parse_hours("Mon-Fri 09:00-12:00 13:30-18:00", [date(2026, 12, 1)])
    monday = datetime(2026, 11, 30, tzinfo=TAIPEI)
    eleven, next_ten = monday + timedelta(hours=11), monday + timedelta(days=2, hours=10)
    assert hours.between(eleven, monday + timedelta(hours=14)) == timedelta(hours=1, minutes=30)
    assert hours.between(eleven, next_ten) == timedelta(hours=1 + 4.5 + 1)
    assert hours.between(monday, monday + timedelta(hours=8)) == timedelta()
    assert hours.between(next_ten, eleven) == timedelta()
