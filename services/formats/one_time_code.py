"""The one-time code (一次性驗證碼) sent by e-mail: six digits."""

from typing import Self

from services.formats.errors import FormatError, FormatProblem, InputField
from services.formats.hidden import Hidden
from services.formats.text_cleaning import compact

LENGTH = 6


class OneTimeCode(Hidden):
    """Text in the format of a one-time code."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a one-time code; spaces, as in ``123 456``, are allowed.

        :raises FormatError: for text that cannot be one, and so must not count as an attempt.
        """
        value = compact(text).replace("-", "")
        if not value:
            raise FormatError(InputField.ONE_TIME_CODE, FormatProblem.EMPTY)
        if not (value.isascii() and value.isdigit()):
            raise FormatError(InputField.ONE_TIME_CODE, FormatProblem.CHARACTERS)
        if len(value) != LENGTH:
            raise FormatError(InputField.ONE_TIME_CODE, FormatProblem.LENGTH)
        return cls(value)
