"""Dates in both calendars."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.formats import dates
from services.formats.errors import FormatError, FormatProblem

TODAY = date(2026, 3, 2)
NEW_YEAR = date(1971, 1, 1)


@pytest.mark.parametrize(
    "typed",
    [
        "60/1/1", "60.01.01", "600101", "0600101",
        "民國60年1月1日", "中華民國 60 年 1 月 1 日", "60年1月1日",
        "1971-01-01", "1971/1/1", "1971.1.1", "19710101", "1971年1月1日",
        "１９７１／１／１", "６０／１／１",
        "1/1/1971", "1 Jan 1971", "Jan 1, 1971", "january 1 1971", "1. January 1971",
    ],
)  # fmt: skip
def test_the_same_day_in_every_way_of_writing(typed: str) -> None:
    assert dates.parse_birth_date(typed, TODAY) == NEW_YEAR


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("31/12/1990", date(1990, 12, 31)),
        ("12/31/1990", date(1990, 12, 31)),
        ("112/1/2", date(2023, 1, 2)),
        ("1120102", date(2023, 1, 2)),
        ("民國9年5月17日", date(1920, 5, 17)),
        ("29 Feb 2000", date(2000, 2, 29)),
    ],
)
def test_other_days(typed: str, day: date) -> None:
    assert dates.parse_birth_date(typed, TODAY) == day


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", FormatProblem.EMPTY),
        ("yesterday", FormatProblem.SHAPE),
        ("1971", FormatProblem.SHAPE),
        ("1 Foo 1971", FormatProblem.SHAPE),
        ("1971-13-01", FormatProblem.NO_SUCH_DAY),
        ("60/2/30", FormatProblem.NO_SUCH_DAY),
        ("2026-03-03", FormatProblem.FUTURE),
        ("115/3/3", FormatProblem.FUTURE),
        ("1850-01-01", FormatProblem.TOO_LONG_AGO),
        ("03/04/1990", FormatProblem.AMBIGUOUS),
    ],
)
def test_other_text_is_refused_with_the_reason(typed: str, reason: FormatProblem) -> None:
    with pytest.raises(FormatError) as refused:
        dates.parse_birth_date(typed, TODAY)
    assert refused.value.reason is reason


@given(st.dates(date(1912, 1, 1), TODAY))
def test_what_is_written_in_the_roc_calendar_is_read_back(day: date) -> None:
    assert dates.parse_birth_date(dates.format_roc(day), TODAY) == day


@given(st.text(max_size=24))
def test_any_text_is_a_day_or_a_reason(text: str) -> None:
    try:
        day = dates.parse_birth_date(text, TODAY)
    except FormatError:
        return
    assert day <= TODAY


@pytest.mark.parametrize(
    ("born", "years"),
    [(date(2008, 3, 2), 18), (date(2008, 3, 3), 17), (date(1972, 2, 29), 54)],
)
def test_age_is_counted_in_full_years(born: date, years: int) -> None:
    assert dates.age(born, TODAY) == years


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("today", TODAY), ("今天", TODAY),
        ("Yesterday", date(2026, 3, 1)), ("昨天", date(2026, 3, 1)),
        ("the day before yesterday", date(2026, 2, 28)), ("前天", date(2026, 2, 28)),
        ("3 days ago", date(2026, 2, 27)), ("three days ago", date(2026, 2, 27)),
        ("3天前", date(2026, 2, 27)), ("三 天 前", date(2026, 2, 27)),
        ("十日前", date(2026, 2, 20)),
        ("a week ago", date(2026, 2, 23)), ("一個禮拜前", date(2026, 2, 23)),
        ("2 weeks ago", date(2026, 2, 16)), ("兩週前", date(2026, 2, 16)),
        ("2/20", date(2026, 2, 20)), ("20/2", date(2026, 2, 20)), ("2月20日", date(2026, 2, 20)),
        ("２月２０號", date(2026, 2, 20)), ("20 Feb", date(2026, 2, 20)),
        ("february 20th", date(2026, 2, 20)), ("Jan. 31", date(2026, 1, 31)),
        ("2/8", date(2026, 2, 8)), ("8/2", date(2026, 2, 8)),
        ("2026-02-20", date(2026, 2, 20)), ("115/2/20", date(2026, 2, 20)),
    ],
)  # fmt: skip
def test_a_day_of_late_needs_no_year(typed: str, day: date) -> None:
    assert dates.parse_recent_day(typed, TODAY, timedelta(60)) == day


def test_around_new_year_the_day_is_last_years() -> None:
    assert dates.parse_recent_day("12/31", date(2026, 1, 2), timedelta(60)) == date(2025, 12, 31)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", FormatProblem.EMPTY),
        ("soon", FormatProblem.SHAPE),
        ("how many days ago", FormatProblem.SHAPE),
        ("11 questions", FormatProblem.SHAPE),
        ("2/3", FormatProblem.AMBIGUOUS),
        ("2/30", FormatProblem.NO_SUCH_DAY),
        ("13/13", FormatProblem.NO_SUCH_DAY),
        ("3月9日", FormatProblem.FUTURE),
        ("6/15", FormatProblem.TOO_LONG_AGO),
    ],
)
def test_what_is_no_day_of_late_is_refused_with_the_reason(
    typed: str, reason: FormatProblem
) -> None:
    with pytest.raises(FormatError) as refused:
        dates.parse_recent_day(typed, TODAY, timedelta(60))
    assert refused.value.reason is reason


@given(st.text(max_size=24) | st.from_regex(r"[0-9]{1,2}[/月.][0-9]{1,2}日?", fullmatch=True))
def test_any_text_is_a_day_of_late_or_a_reason(text: str) -> None:
    try:
        day = dates.parse_recent_day(text, TODAY, timedelta(60))
    except FormatError:
        return
    assert day <= TODAY
