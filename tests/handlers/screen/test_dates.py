"""Dates as people read them, also in a language that has no form of its own."""

from datetime import date

import pytest

from handlers.screen.dates import format_date, format_dates

TUESDAY, SATURDAY = date(2026, 12, 8), date(2026, 12, 12)


@pytest.mark.parametrize(
    ("language", "one", "several"),
    [
        ("en", "Tuesday 8 December 2026", "Tuesday 8 December, Saturday 12 December"),
        ("zh_Hant", "2026年12月8日（週二）", "12月8日（週二）、12月12日（週六）"),
    ],
)
def test_a_date_is_read_with_its_day_of_the_week(language: str, one: str, several: str) -> None:
    assert format_date(TUESDAY, language) == one
    assert format_dates([TUESDAY, SATURDAY], language) == several
