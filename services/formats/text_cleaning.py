"""Cleaning of typed text: full-width forms, spaces and invisible characters."""

import unicodedata

_SEPARATORS = frozenset("-‐‑‒–—―－.·・_")
_INVISIBLE = ("Cc", "Cf", "Zs", "Zl", "Zp")


def compact(text: str) -> str:
    """Return `text` in half-width forms, without spaces and invisible characters."""
    wide = unicodedata.normalize("NFKC", text)
    return "".join(c for c in wide if unicodedata.category(c) not in _INVISIBLE)


def compact_identifier(text: str) -> str:
    """Return an identifier in registered form: compact, upper-case, without separators."""
    return "".join(c for c in compact(text) if c not in _SEPARATORS).upper()


def single_line(text: str) -> str:
    """Return the words of `text` on one line, separated by single spaces."""
    spaced = "".join(" " if c.isspace() else c for c in unicodedata.normalize("NFC", text))
    return " ".join(spaced.split())


def has_control_characters(text: str) -> bool:
    """Whether `text` contains a control or invisible formatting character."""
    return any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn"} for c in text)
