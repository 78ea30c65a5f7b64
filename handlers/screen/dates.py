"""Dates in the format that a person reads."""

from collections.abc import Iterable, Mapping
from datetime import date

from babel.dates import format_date as format_by_pattern

import locales

_DAYS: Mapping[str, str] = {"en": "EEEE d MMMM y", "zh_Hant": "y年M月d日（EEE）"}
_DAYS_OF_THIS_YEAR: Mapping[str, str] = {"en": "EEEE d MMMM", "zh_Hant": "M月d日（EEE）"}


def format_date(day: date, language: str) -> str:
    """Return a date with its day of the week, such as *Tuesday 8 December 2026*."""
    return format_by_pattern(day, _pattern(_DAYS, language), locale=language)


def format_dates(days: Iterable[date], language: str) -> str:
    """Return near days as a list in one line, without their year."""
    pattern = _pattern(_DAYS_OF_THIS_YEAR, language)
    separator = "、" if language.startswith(("zh", "ja")) else ", "
    return separator.join(format_by_pattern(day, pattern, locale=language) for day in days)


def _pattern(patterns: Mapping[str, str], language: str) -> str:
    return patterns.get(language, patterns[locales.DEFAULT])
