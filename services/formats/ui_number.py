"""The UI No. (統一證號): both formats and their checksum (docs/facts.md §3)."""

import re

from services.formats.errors import Field, FormatError, Reason
from services.formats.hidden import MASK, Hidden
from services.formats.text import compact_identifier

_SHAPE = re.compile(r"[A-Z][A-D89][0-9]{8}")
_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
"""In the order of their values, which begin at 10."""
_WEIGHTS = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)


class UiNumber(Hidden):
    """A checked UI No."""

    __slots__ = ()

    def masked(self) -> str:
        """Give what may be shown to tell numbers apart: the first letter and the last three."""
        value = self.reveal()
        return f"{value[0]}{MASK}{value[-3:]}"


def parse(text: str) -> UiNumber:
    """Read a UI No. of the new or the old format.

    :raises FormatError: saying what is wrong with it.
    """
    value = compact_identifier(text)
    if not value:
        raise FormatError(Field.UI_NUMBER, Reason.EMPTY)
    if len(value) != 10:
        raise FormatError(Field.UI_NUMBER, Reason.LENGTH)
    if not _SHAPE.fullmatch(value):
        raise FormatError(Field.UI_NUMBER, Reason.SHAPE)
    if checksum(value) != 0:
        raise FormatError(Field.UI_NUMBER, Reason.CHECKSUM)
    return UiNumber(value)


def checksum(value: str) -> int:
    """Give the weighted sum of a well-formed number modulo 10, zero where it is valid."""
    first = _letter_value(value[0])
    second = int(value[1]) if value[1].isdigit() else _letter_value(value[1]) % 10
    digits = (first // 10, first % 10, second, *(int(c) for c in value[2:]))
    return sum(d * w for d, w in zip(digits, _WEIGHTS, strict=True)) % 10


def _letter_value(letter: str) -> int:
    return _LETTERS.index(letter) + 10
