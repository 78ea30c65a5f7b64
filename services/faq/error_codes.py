"""Error codes of the card software, found in what a person types and explained.

The tables are ``locales/<language>/error_codes.yaml`` (docs/facts.md §2.4). A code is an unsigned
32-bit number, whichever way it is written: ``0x7600000D``, ``7600000d``, ``1979711501``, or as
the negative number that pages show for ``last_error`` (``-2147483647``).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import yaml

import locales
from locales import facts
from services.formats.text_cleaning import normalize

_MASK = 0xFFFFFFFF
_DIGIT = re.compile(r"\d")
_HEX = re.compile(r"0x([0-9a-f]{1,8})(?![0-9a-z])")
_BARE_HEX = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}(?![0-9a-z])")
_DECIMAL = re.compile(r"(?<!\d)-?\d{9,10}(?!\d)")
_LAST_ERROR = re.compile(r"last[_ ]?error\W{0,3}([0-9a-f]{2,3})(?![0-9a-z])")
_COMPONENT = re.compile(
    r"(?<![0-9a-z$-])(?<!\d[.,])\d{4}(?![0-9a-z-]|[.,]\d|\s*(?:元|块|塊|年|ntd|dollar))"
)
_MINUS_SIGNS = str.maketrans("−–—", "---")
_CODE_DIGITS = 8


class ErrorCodeKind(StrEnum):
    """The value on the page that a code belongs to."""

    RET_CODE = "ret_code"
    LAST_ERROR = "last_error"
    COMPONENT = "component"


@dataclass(frozen=True, slots=True)
class SoftwareErrorCode:
    """Meaning of a code and advice, in one language.

    :ivar written: the code as written in the tables.
    :ivar entry: id of the FAQ entry with more help.
    :ivar uncertain: our sources contradict each other about it.
    """

    code: int
    written: str
    kind: ErrorCodeKind
    meaning: str
    advice: str
    entry: str
    uncertain: bool = False


@cache
def load_table(language: str) -> Mapping[int, SoftwareErrorCode]:
    """Load every known code, explained in `language`; later calls return the same table."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    path = locales.folder(language, "error_codes.yaml")
    rows = yaml.load(path.read_bytes(), loader)  # noqa: S506 - both loaders are the safe ones
    codes = [
        SoftwareErrorCode(
            code=int(row["code"], 16 if row["code"].startswith("0x") else 10),
            written=row["code"],
            kind=ErrorCodeKind(row["kind"]),
            meaning=facts.fill_in(row["meaning"], language),
            advice=facts.fill_in(row["advice"], language),
            entry=row["entry"],
            uncertain=bool(row.get("uncertain", False)),
        )
        for row in rows
    ]
    return {code.code: code for code in codes}


def explain_code(code: int, language: str) -> SoftwareErrorCode | None:
    """Return the explanation of `code`, or `None` if it is unknown."""
    return load_table(language).get(code & _MASK)


def find_codes(text: str) -> list[int]:
    """Find the codes in `text`, in their order, each once.

    A number counts if the tables have it. One written as ``0x`` and eight hex digits counts in any
    case: the person quotes a code, which the answer says is unknown.
    """
    if not _DIGIT.search(text):
        return []
    plain = normalize(text).casefold().translate(_MINUS_SIGNS)
    return list(dict.fromkeys(code for _, code in sorted(_find_positions(plain))))


def contains_code(text: str) -> bool:
    """Whether a code is in `text`."""
    return bool(find_codes(text))


def _find_positions(text: str) -> Iterator[tuple[int, int]]:
    """Yield the position of each code in `text`, and the code."""
    known = load_table(locales.DEFAULT)
    for match in _HEX.finditer(text):
        code = int(match[1], 16)
        if len(match[1]) == _CODE_DIGITS or (code in known and not _is_component(code)):
            yield match.start(), code
    for pattern in (_BARE_HEX, _LAST_ERROR):
        for match in pattern.finditer(text):
            code = int(match[match.lastindex or 0], 16)
            if code in known and not _is_component(code):
                yield match.start(), code
    for match in _DECIMAL.finditer(text):
        # A minus may be a dash ("code-1979711501"), so the number without it counts as well.
        for code in (int(match[0]) & _MASK, abs(int(match[0]))):
            if code in known:
                yield match.start(), code
    yield from _short_decimals(text)


def _short_decimals(text: str) -> Iterator[tuple[int, int]]:
    """Find the four-digit codes of the web component, and small ones named as `last_error`."""
    known = load_table(locales.DEFAULT)
    for match in _COMPONENT.finditer(text):
        if int(match[0]) in known and _is_component(int(match[0])):
            yield match.start(), int(match[0])
    for match in _LAST_ERROR.finditer(text):
        if match[1].isdecimal() and int(match[1]) in known:
            yield match.start(), int(match[1])


def _is_component(code: int) -> bool:
    return load_table(locales.DEFAULT)[code].kind is ErrorCodeKind.COMPONENT
