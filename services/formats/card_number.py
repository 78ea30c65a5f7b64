"""The IC card number (IC卡卡號): two capital letters and fourteen digits (docs/facts.md §3)."""

import re

from services.formats.errors import Field, FormatError, Reason
from services.formats.hidden import Hidden
from services.formats.text import compact_identifier

_SHAPE = re.compile(r"[A-Z]{2}[0-9]{14}")
LENGTH = 16


class CardNumber(Hidden):
    """A checked IC card number."""

    __slots__ = ()


def parse(text: str) -> CardNumber:
    """Read an IC card number.

    :raises FormatError: saying what is wrong with it.
    """
    value = compact_identifier(text)
    if not value:
        raise FormatError(Field.CARD_NUMBER, Reason.EMPTY)
    if len(value) != LENGTH:
        raise FormatError(Field.CARD_NUMBER, Reason.LENGTH)
    if not _SHAPE.fullmatch(value):
        raise FormatError(Field.CARD_NUMBER, Reason.SHAPE)
    return CardNumber(value)
