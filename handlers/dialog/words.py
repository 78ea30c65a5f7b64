"""The words of conversations, which have a catalogue of their own."""

from handlers import words
from handlers.words import N_, Markup

__all__ = ["DOMAIN", "N_", "Markup", "label", "say"]

DOMAIN = "conversations"


def say(language: str, message: str, /, **values: object) -> Markup:
    """Give `message` with its ``{placeholders}`` filled in and escaped."""
    return words.say(language, message, domain=DOMAIN, **values)


def label(language: str, message: str, /, **values: object) -> str:
    """Give `message` as plain text, for buttons and toasts."""
    return words.label(language, message, domain=DOMAIN, **values)
