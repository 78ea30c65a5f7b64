"""Days as a person reads them."""

from collections.abc import Iterable
from datetime import date

from services.formats.dates import format_roc


def format_date(day: date, language: str) -> str:
    """Return a day in the Gregorian and in the ROC (民國) calendar."""
    return f"{day}（{format_roc(day)}）" if _is_chinese(language) else f"{day} ({format_roc(day)})"


def format_dates(days: Iterable[date], language: str) -> str:
    """Return several days in a row."""
    return ("、" if _is_chinese(language) else ", ").join(map(str, days))


def _is_chinese(language: str) -> bool:
    return language.startswith("zh")
