"""Dates as people in Taiwan write them: Gregorian and ROC (民國) years.

A year of four digits is Gregorian, one of up to three digits is ROC (ROC year = CE − 1911), so
``60/1/1`` and ``1971-01-01`` are the same day.
"""

import re
from datetime import date

from services.formats.errors import Field, FormatError, Reason
from services.formats.text import compact, single_line

_ROC_OFFSET = 1911
_LONGEST_LIFE = 130
_ERA = re.compile(r"^(?:中華)?(?:民國|民国)")
_PARTS = re.compile(r"(\d{1,4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_DAY_FIRST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")
_DIGITS = re.compile(r"(\d{2,4})(\d{2})(\d{2})")
_NAMED = re.compile(r"(?:(\d{1,2})\s+([A-Za-z]{3,9})|([A-Za-z]{3,9})\s+(\d{1,2}))\s+(\d{4})")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip


def parse_birth_date(text: str, today: date) -> date:
    """Read a birth date in either calendar.

    :raises FormatError: for no such day, a day to come, or one nobody alive was born on.
    """
    if not compact(text):
        raise FormatError(Field.BIRTH_DATE, Reason.EMPTY)
    year, month, day = _split(text)
    try:
        born = date(year, month, day)
    except ValueError:
        raise FormatError(Field.BIRTH_DATE, Reason.NO_SUCH_DAY) from None
    if born > today:
        raise FormatError(Field.BIRTH_DATE, Reason.FUTURE)
    if born.year < today.year - _LONGEST_LIFE:
        raise FormatError(Field.BIRTH_DATE, Reason.TOO_LONG_AGO)
    return born


def age(born: date, today: date) -> int:
    """Give full years of age."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def roc(day: date) -> str:
    """Give `day` in the ROC calendar, such as ``民國60年1月1日``."""
    return f"民國{day.year - _ROC_OFFSET}年{day.month}月{day.day}日"


def _split(text: str) -> tuple[int, int, int]:
    named = _NAMED.fullmatch(re.sub(r"[,.]", " ", single_line(text)).replace("  ", " "))
    if named:
        return int(named[5]), _month(named[2] or named[3]), int(named[1] or named[4])
    bare = compact(text)
    plain = _ERA.sub("", bare)
    is_roc = plain != bare
    if (western := _DAY_FIRST.fullmatch(plain)) and not is_roc:
        return _western(int(western[1]), int(western[2]), int(western[3]))
    parts = _PARTS.fullmatch(plain) or _DIGITS.fullmatch(plain)
    if not parts:
        raise FormatError(Field.BIRTH_DATE, Reason.SHAPE)
    year = int(parts[1])
    if is_roc or len(parts[1]) < 4:
        year += _ROC_OFFSET
    return year, int(parts[2]), int(parts[3])


def _western(first: int, second: int, year: int) -> tuple[int, int, int]:
    """Tell day from month in ``31/12/1990``, which only the larger number can.

    :raises FormatError: where both could be the month.
    """
    if first <= 12 and second <= 12 and first != second:
        raise FormatError(Field.BIRTH_DATE, Reason.AMBIGUOUS)
    return (year, second, first) if first > 12 else (year, first, second)


def _month(name: str) -> int:
    """Give the number of an English month, also shortened to three letters or more.

    :raises FormatError: for another word.
    """
    for number, month in enumerate(_MONTHS, start=1):
        if month.startswith(name.lower()) or (name.lower() == "sept" and number == 9):
            return number
    raise FormatError(Field.BIRTH_DATE, Reason.SHAPE)
