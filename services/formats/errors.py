"""Errors of typed input."""

from enum import StrEnum


class InputField(StrEnum):
    """Kind of input that was asked for."""

    UI_NUMBER = "ui_number"
    CARD_NUMBER = "card_number"
    SUBSCRIBER_CODE = "subscriber_code"
    ONE_TIME_CODE = "one_time_code"
    BIRTH_DATE = "birth_date"
    DAY = "day"
    MAIL_ADDRESS = "mail_address"
    POSTAL_ADDRESS = "postal_address"
    NAME = "name"


class FormatProblem(StrEnum):
    """What is wrong with an input."""

    EMPTY = "empty"
    LENGTH = "length"
    CHARACTERS = "characters"
    SHAPE = "shape"
    CHECKSUM = "checksum"
    LOOKALIKE = "lookalike"
    """A character that subscriber codes do not use, because it looks like another."""
    ORDINARY_WORD = "ordinary_word"
    NO_SUCH_DAY = "no_such_day"
    AMBIGUOUS = "ambiguous"
    """Day and month cannot be told apart."""
    FUTURE = "future"
    TOO_LONG_AGO = "too_long_ago"


class FormatError(Exception):
    """The input does not have the expected format.

    :ivar field: what was asked for.
    :ivar reason: what is wrong.
    """

    def __init__(self, field: InputField, reason: FormatProblem) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason
