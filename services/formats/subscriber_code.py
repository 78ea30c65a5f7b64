"""The subscriber code (用戶代碼): generating and parsing it.

Six to ten characters (docs/facts.md §1.5). Ours have eight, at least one letter and one digit among
them, and no character that looks like another, also not the capital of the same letter. Capitals
matter: codes that were issued before may have them in both sizes.
"""

import re
import secrets
from typing import Self

from services.formats.errors import FormatError, FormatProblem, InputField
from services.formats.hidden import Hidden
from services.formats.text_cleaning import compact

SHORTEST, LONGEST = 6, 10
GENERATED_LENGTH = 8
LOOKALIKES = frozenset("0O1lIo")
"""Characters not used in codes: zero and O, one and l and I."""
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabdefghijmnpqrty"
"""Of C, K, S, U, V, W, X and Z, whose sizes look alike in handwriting, the capital only."""
DIGITS = "23456789"
_CHARACTERS = re.compile(r"[A-Za-z0-9]+")


class SubscriberCode(Hidden):
    """Text in the format of a subscriber code."""

    __slots__ = ()

    @classmethod
    def generate(cls) -> Self:
        """Generate a random code; each of 48⁸ - 40⁸ - 8⁸ (44.3 bits) is equally likely."""
        while True:
            code = "".join(secrets.choice(LETTERS + DIGITS) for _ in range(GENERATED_LENGTH))
            if _has_letter_and_digit(code):
                return cls(code)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a code as typed; full-width forms and spaces are normalised, case is kept.

        :raises FormatError: for text that cannot be a code, and so must not count as an attempt.
        """
        value = compact(text)
        if not value:
            raise FormatError(InputField.SUBSCRIBER_CODE, FormatProblem.EMPTY)
        if not _CHARACTERS.fullmatch(value):
            raise FormatError(InputField.SUBSCRIBER_CODE, FormatProblem.CHARACTERS)
        if not SHORTEST <= len(value) <= LONGEST:
            raise FormatError(InputField.SUBSCRIBER_CODE, FormatProblem.LENGTH)
        if not _has_letter_and_digit(value):
            raise FormatError(InputField.SUBSCRIBER_CODE, FormatProblem.ORDINARY_WORD)
        if LOOKALIKES.intersection(value):
            raise FormatError(InputField.SUBSCRIBER_CODE, FormatProblem.LOOKALIKE)
        return cls(value)


def _has_letter_and_digit(value: str) -> bool:
    return any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
