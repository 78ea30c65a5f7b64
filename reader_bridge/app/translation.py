"""The words of the app: plain text out of the catalogue `bridge`, and text that others wrote."""

import unicodedata

import locales

DOMAIN = "bridge"
MAX_FOREIGN_TEXT = 80
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that move, hide or turn other characters around."""


def N_(message: str) -> str:  # noqa: N802 - gettext's name for it
    """Mark `message` for the catalogue where it is looked up later."""
    return message


def say(language: str, message: str, /, **values: object) -> str:
    """Give `message` of the catalogue in `language` with its ``{placeholders}`` filled in."""
    return locales.translate(message, language, DOMAIN).format(**values)


def sanitise(text: str) -> str:
    """Give text that a server, a reader or a card made up, on one line and with nothing unseen."""
    seen = "".join(
        " " if unicodedata.category(one) in _INVISIBLE_CATEGORIES else one for one in text
    )
    line = " ".join(seen.split())
    return line if len(line) <= MAX_FOREIGN_TEXT else line[: MAX_FOREIGN_TEXT - 1] + "…"


def mask_card_number(card_number: str) -> str:
    """Give an IC card number as it may be shown to whoever looks over a shoulder."""
    number = sanitise(card_number)
    return f"{number[:2]}****{number[-4:]}" if len(number) > 6 else number
