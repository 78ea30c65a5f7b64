"""The PIN of a card (PIN碼): its format only. No PIN is ever asked for or kept on the server."""

import re

from services.formats.errors import Field, FormatError, Reason

SHORTEST, LONGEST = 6, 8
_CHARACTERS = re.compile(r"[A-Za-z0-9]+")


def check(pin: str) -> None:
    """Check the format of a new PIN: 6 to 8 letters and digits, no spaces (docs/facts.md §1.4).

    Nothing is normalised: a PIN is what the card will see, byte for byte.

    :raises FormatError: saying what is wrong with it.
    """
    if not pin:
        raise FormatError(Field.PIN, Reason.EMPTY)
    if not SHORTEST <= len(pin) <= LONGEST:
        raise FormatError(Field.PIN, Reason.LENGTH)
    if not _CHARACTERS.fullmatch(pin):
        raise FormatError(Field.PIN, Reason.CHARACTERS)
