"""The subscriber code (用戶代碼): its alphabet, making one, and reading what was typed.

Six to ten characters (docs/facts.md §1.5). Ours have eight, at least one letter and one digit among
them, and no character that looks like another. Capitals matter.
"""

import re
import secrets

from services.formats.errors import Field, FormatError, Reason
from services.formats.hidden import Hidden
from services.formats.text import compact

SHORTEST, LONGEST = 6, 10
GENERATED_LENGTH = 8
LOOKALIKES = frozenset("0O1lIo")
"""Left out of codes: zero and O, one and l and I."""
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz"
DIGITS = "23456789"
_CHARACTERS = re.compile(r"[A-Za-z0-9]+")


class SubscriberCode(Hidden):
    """Text that can be a subscriber code."""

    __slots__ = ()


def generate() -> SubscriberCode:
    """Draw a code at random: every code of the format is equally likely."""
    while True:
        code = "".join(secrets.choice(LETTERS + DIGITS) for _ in range(GENERATED_LENGTH))
        if _mixes(code):
            return SubscriberCode(code)


def parse(text: str) -> SubscriberCode:
    """Read a code as typed. Full-width characters and spaces are mended, capitals are kept.

    :raises FormatError: for text that cannot be a code, and so must not cost a try.
    """
    value = compact(text)
    if not value:
        raise FormatError(Field.SUBSCRIBER_CODE, Reason.EMPTY)
    if not _CHARACTERS.fullmatch(value):
        raise FormatError(Field.SUBSCRIBER_CODE, Reason.CHARACTERS)
    if not SHORTEST <= len(value) <= LONGEST:
        raise FormatError(Field.SUBSCRIBER_CODE, Reason.LENGTH)
    if not _mixes(value):
        raise FormatError(Field.SUBSCRIBER_CODE, Reason.ORDINARY_WORD)
    if LOOKALIKES.intersection(value):
        raise FormatError(Field.SUBSCRIBER_CODE, Reason.LOOKALIKE)
    return SubscriberCode(value)


def _mixes(value: str) -> bool:
    return any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
