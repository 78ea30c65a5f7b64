"""Translation through the catalogue `bridge`, and display of text from outside."""

import unicodedata

import locales
from locales import N_ as N_

DOMAIN = "bridge"
MAX_FOREIGN_TEXT = 80
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that move, hide or turn other characters around."""


def localise(language: str, message: str, /, **values: object) -> str:
    """Return a message of the catalogue in a language, with its ``{placeholders}`` filled in."""
    return locales.translate(message, language, DOMAIN).format(**values)


def sanitise(text: str) -> str:
    """Return text from outside on one line, bounded and without invisible characters."""
    seen = "".join(
        " " if unicodedata.category(one) in _INVISIBLE_CATEGORIES else one for one in text
    )
    line = " ".join(seen.split())
    return line if len(line) <= MAX_FOREIGN_TEXT else line[: MAX_FOREIGN_TEXT - 1] + "…"


def mask_card_number(card_number: str) -> str:
    """Return an IC card number with its middle hidden."""
    number = sanitise(card_number)
    return f"{number[:2]}****{number[-4:]}" if len(number) > 6 else number
