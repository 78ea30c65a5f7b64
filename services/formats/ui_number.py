"""The UI No. (統一證號): both formats and their checksum (docs/facts.md §3)."""

import re
from typing import Self

from services.formats.errors import FormatError, FormatProblem, InputField
from services.formats.hidden import MASK, Hidden
from services.formats.text_cleaning import compact_identifier

_SHAPE = re.compile(r"[A-Z][A-D89][0-9]{8}")
_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
"""In the order of their values, from 10."""
_WEIGHTS = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)


class UiNumber(Hidden):
    """A valid UI No."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a UI No. of the new or the old format.

        :raises FormatError: if it is not one.
        """
        value = compact_identifier(text)
        if not value:
            raise FormatError(InputField.UI_NUMBER, FormatProblem.EMPTY)
        if len(value) != 10:
            raise FormatError(InputField.UI_NUMBER, FormatProblem.LENGTH)
        if not _SHAPE.fullmatch(value):
            raise FormatError(InputField.UI_NUMBER, FormatProblem.SHAPE)
        if checksum(value) != 0:
            raise FormatError(InputField.UI_NUMBER, FormatProblem.CHECKSUM)
        return cls(value)

    def mask(self) -> str:
        """The number as it may be shown: the first letter and the last three digits."""
        value = self.reveal()
        return f"{value[0]}{MASK}{value[-3:]}"


def checksum(value: str) -> int:
    """Return the weighted sum of a well-formed number modulo 10, which is 0 if it is valid."""
    first = _letter_value(value[0])
    second = int(value[1]) if value[1].isdigit() else _letter_value(value[1]) % 10
    digits = (first // 10, first % 10, second, *(int(c) for c in value[2:]))
    return sum(d * w for d, w in zip(digits, _WEIGHTS, strict=True)) % 10


def _letter_value(letter: str) -> int:
    return _LETTERS.index(letter) + 10
