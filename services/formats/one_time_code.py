"""The one-time code (一次性驗證碼) that goes out by e-mail: six digits."""

from services.formats.errors import Field, FormatError, Reason
from services.formats.hidden import Hidden
from services.formats.text import compact

LENGTH = 6


class OneTimeCode(Hidden):
    """Text that can be a one-time code."""

    __slots__ = ()


def parse(text: str) -> OneTimeCode:
    """Read a one-time code; spaces, as in ``123 456``, are allowed.

    :raises FormatError: for text that cannot be one, and so must not cost a try.
    """
    value = compact(text).replace("-", "")
    if not value:
        raise FormatError(Field.ONE_TIME_CODE, Reason.EMPTY)
    if not (value.isascii() and value.isdigit()):
        raise FormatError(Field.ONE_TIME_CODE, Reason.CHARACTERS)
    if len(value) != LENGTH:
        raise FormatError(Field.ONE_TIME_CODE, Reason.LENGTH)
    return OneTimeCode(value)
