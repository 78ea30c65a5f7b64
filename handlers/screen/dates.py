"""Dates in the format that a person reads.

The formats are texts of the catalogue, in the pattern language of Unicode (CLDR).
"""

from collections.abc import Iterable
from datetime import date

from babel.dates import format_date as format_by_pattern

from handlers.screen.text import label


def format_date(day: date, language: str) -> str:
    """Return a date with its day of the week, such as *Tuesday 8 December 2026*."""
    return format_by_pattern(day, label(language, "EEEE d MMMM y"), locale=language)


def format_dates(days: Iterable[date], language: str) -> str:
    """Return near days as a list in one line, without their year."""
    pattern = label(language, "EEEE d MMMM")
    found = (format_by_pattern(day, pattern, locale=language) for day in days)
    return label(language, ", ").join(found)
