"""Dates as written in Taiwan: Gregorian and ROC (民國) years.

A year of four digits is Gregorian, one of up to three digits is ROC (ROC year = CE − 1911), so
``60/1/1`` and ``1971-01-01`` are the same day.
"""

import re
from datetime import date, timedelta

from services.formats.errors import FormatError, FormatProblem, InputField
from services.formats.text_cleaning import compact, single_line

_ROC_OFFSET = 1911
_LONGEST_LIFE = 130
_ERA = re.compile(r"^(?:中華)?(?:民國|民国)")
_PARTS = re.compile(r"(\d{1,4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_DAY_FIRST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")
_DIGITS = re.compile(r"(\d{2,4})(\d{2})(\d{2})")
_NAMED = re.compile(r"(?:(\d{1,2})\s+([A-Za-z]{3,9})|([A-Za-z]{3,9})\s+(\d{1,2}))\s+(\d{4})")
_NO_YEAR = re.compile(r"(\d{1,2})[-/.月](\d{1,2})[日號号]?")
_NAMED_NO_YEAR = re.compile(
    r"(?:(\d{1,2})(?:st|nd|rd|th)?\s+([A-Za-z]{3,9})|([A-Za-z]{3,9})\s+(\d{1,2})(?:st|nd|rd|th)?)"
)
_PUNCTUATION = re.compile(r"[,.]")
_AGO = re.compile(r"(\d{1,2}|an?|[a-z]{3,5}|[一二兩两三四五六七八九十])(天|日|daysago|dayago|"
                  r"週|周|個?星期|个?星期|個?禮拜|个?礼拜|weeksago|weekago)前?")  # fmt: skip
_NAMED_DAYS = {
    "today": 0, "今天": 0, "今日": 0, "剛剛": 0, "刚刚": 0, "yesterday": 1, "昨天": 1, "昨日": 1,
    "daybeforeyesterday": 2, "thedaybeforeyesterday": 2, "前天": 2, "大前天": 3,
}  # fmt: skip
_SMALL = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10,
    "一": 1, "二": 2, "兩": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8,
    "九": 9, "十": 10,
}  # fmt: skip
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip


def parse_birth_date(text: str, today: date) -> date:
    """Parse a birth date in either calendar.

    :raises FormatError: for no such day, a future day, or one too long ago.
    """
    if not compact(text):
        raise FormatError(InputField.BIRTH_DATE, FormatProblem.EMPTY)
    year, month, day = _split(text)
    try:
        born = date(year, month, day)
    except ValueError:
        raise FormatError(InputField.BIRTH_DATE, FormatProblem.NO_SUCH_DAY) from None
    if born > today:
        raise FormatError(InputField.BIRTH_DATE, FormatProblem.FUTURE)
    if born.year < today.year - _LONGEST_LIFE:
        raise FormatError(InputField.BIRTH_DATE, FormatProblem.TOO_LONG_AGO)
    return born


def parse_recent_day(text: str, today: date, oldest: timedelta) -> date:
    """Parse a recent day: like a birth date, without the year, or relative (*昨天*).

    :param oldest: how long ago it may be if written without the year.
    :raises FormatError: as for a birth date; also if both ways to read it are recent.
    """
    bare = compact(text).casefold()
    ago = _days_ago(bare)
    if ago is not None:
        return today - timedelta(days=ago)
    named = _NAMED_NO_YEAR.fullmatch(_PUNCTUATION.sub(" ", single_line(text)).strip())
    if named:
        return _parse_recent(
            today, oldest, {(_month(named[2] or named[3]), int(named[1] or named[4]))}
        )
    parts = _NO_YEAR.fullmatch(bare)
    if parts:
        first, second = int(parts[1]), int(parts[2])
        read = {(first, second)} if "月" in bare else {(first, second), (second, first)}
        return _parse_recent(today, oldest, read)
    return parse_birth_date(text, today)


def _days_ago(bare: str) -> int | None:
    if bare in _NAMED_DAYS:
        return _NAMED_DAYS[bare]
    found = _AGO.fullmatch(bare)
    if found is None or not bare.endswith(("前", "ago")):
        return None
    number = int(found[1]) if found[1].isdecimal() else _SMALL.get(found[1])
    return None if number is None else number * (1 if found[2][0] in "天日d" else 7)


def _parse_recent(today: date, oldest: timedelta, read: set[tuple[int, int]]) -> date:
    """Return the one recent day among pairs of month and day.

    :raises FormatError: if none or more than one is recent.
    """
    days = {
        day
        for month, number in read
        for year in (today.year, today.year - 1)
        for day in _existing(year, month, number)
    }
    late = {day for day in days if timedelta() <= today - day <= oldest}
    if len(late) == 1:
        return late.pop()
    if late:
        raise FormatError(InputField.DAY, FormatProblem.AMBIGUOUS)
    if not days:
        raise FormatError(InputField.DAY, FormatProblem.NO_SUCH_DAY)
    near = any(timedelta() < day - today <= oldest for day in days)
    raise FormatError(InputField.DAY, FormatProblem.FUTURE if near else FormatProblem.TOO_LONG_AGO)


def _existing(year: int, month: int, number: int) -> list[date]:
    try:
        return [date(year, month, number)]
    except ValueError:
        return []


def age(born: date, today: date) -> int:
    """Age in full years."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def format_roc(day: date) -> str:
    """Format `day` in the ROC calendar, such as ``民國60年1月1日``."""
    return f"民國{day.year - _ROC_OFFSET}年{day.month}月{day.day}日"


def _split(text: str) -> tuple[int, int, int]:
    named = _NAMED.fullmatch(_PUNCTUATION.sub(" ", single_line(text)).replace("  ", " "))
    if named:
        return int(named[5]), _month(named[2] or named[3]), int(named[1] or named[4])
    bare = compact(text)
    plain = _ERA.sub("", bare)
    is_roc = plain != bare
    if (western := _DAY_FIRST.fullmatch(plain)) and not is_roc:
        return _western(int(western[1]), int(western[2]), int(western[3]))
    parts = _PARTS.fullmatch(plain) or _DIGITS.fullmatch(plain)
    if not parts:
        raise FormatError(InputField.BIRTH_DATE, FormatProblem.SHAPE)
    year = int(parts[1])
    if is_roc or len(parts[1]) < 4:
        year += _ROC_OFFSET
    return year, int(parts[2]), int(parts[3])


def _western(first: int, second: int, year: int) -> tuple[int, int, int]:
    """Tell day from month in ``31/12/1990`` by the number above 12.

    :raises FormatError: if both could be the month.
    """
    if first <= 12 and second <= 12 and first != second:
        raise FormatError(InputField.BIRTH_DATE, FormatProblem.AMBIGUOUS)
    return (year, second, first) if first > 12 else (year, first, second)


def _month(name: str) -> int:
    """Return the number of an English month, also abbreviated to three letters or more.

    :raises FormatError: for another word.
    """
    for number, month in enumerate(_MONTHS, start=1):
        if month.startswith(name.lower()) or (name.lower() == "sept" and number == 9):
            return number
    raise FormatError(InputField.BIRTH_DATE, FormatProblem.SHAPE)
