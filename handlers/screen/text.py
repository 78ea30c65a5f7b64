"""The texts of the interface: looked up, filled in, and escaped for Telegram's HTML."""

from html import escape

import locales
from locales import N_ as N_
from locales import facts


class Markup(str):
    """Text that is HTML already and is not escaped again."""

    __slots__ = ()


def say(language: str, message: str, /, **values: object) -> Markup:
    """Return `message` in `language` with its ``{placeholders}`` filled in, also those of facts.

    The message may hold HTML tags; every value is escaped, except `Markup`.
    """
    safe = {k: v if isinstance(v, Markup) else escape(str(v)) for k, v in values.items()}
    return Markup(facts.format_message(locales.translate(message, language), language, safe))


def label(language: str, message: str, /, **values: object) -> str:
    """Return `message` in `language` as plain text, for buttons, toasts and command menus."""
    return facts.format_message(locales.translate(message, language), language, values)
