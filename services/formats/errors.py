"""What can be wrong with what was typed."""

from enum import StrEnum


class Field(StrEnum):
    """What was asked for."""

    UI_NUMBER = "ui_number"
    CARD_NUMBER = "card_number"
    SUBSCRIBER_CODE = "subscriber_code"
    ONE_TIME_CODE = "one_time_code"
    PIN = "pin"
    BIRTH_DATE = "birth_date"
    DAY = "day"
    MAIL_ADDRESS = "mail_address"
    POSTAL_ADDRESS = "postal_address"
    NAME = "name"


class Reason(StrEnum):
    """Why it was not taken."""

    EMPTY = "empty"
    LENGTH = "length"
    CHARACTERS = "characters"
    SHAPE = "shape"
    CHECKSUM = "checksum"
    LOOKALIKE = "lookalike"
    """A character that is left out of subscriber codes because it looks like another."""
    ORDINARY_WORD = "ordinary_word"
    NO_SUCH_DAY = "no_such_day"
    AMBIGUOUS = "ambiguous"
    """Day and month cannot be told apart."""
    FUTURE = "future"
    TOO_LONG_AGO = "too_long_ago"


class FormatError(Exception):
    """What was typed does not have the shape of what was asked for.

    :ivar field: what was asked for.
    :ivar reason: why it was not taken.
    """

    def __init__(self, field: Field, reason: Reason) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason
