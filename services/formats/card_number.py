"""The IC card number (IC卡卡號): two capital letters and fourteen digits (docs/facts.md §3)."""

import re
from typing import Self

from services.formats.errors import FormatError, FormatProblem, InputField
from services.formats.hidden import Hidden
from services.formats.text_cleaning import compact_identifier

_SHAPE = re.compile(r"[A-Z]{2}[0-9]{14}")
LENGTH = 16


class CardNumber(Hidden):
    """A valid IC card number."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse an IC card number.

        :raises FormatError: if it is not one.
        """
        value = compact_identifier(text)
        if not value:
            raise FormatError(InputField.CARD_NUMBER, FormatProblem.EMPTY)
        if len(value) != LENGTH:
            raise FormatError(InputField.CARD_NUMBER, FormatProblem.LENGTH)
        if not _SHAPE.fullmatch(value):
            raise FormatError(InputField.CARD_NUMBER, FormatProblem.SHAPE)
        return cls(value)
