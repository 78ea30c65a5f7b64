"""Cleaning typed text: full-width forms, spaces, and what keyboards and pages slip in."""

import unicodedata

_SEPARATORS = frozenset("-‐‑‒–—―－.·・_")
_INVISIBLE = ("Cc", "Cf", "Zs", "Zl", "Zp")


def compact(text: str) -> str:
    """Give `text` in half-width forms, without spaces and invisible characters."""
    wide = unicodedata.normalize("NFKC", text)
    return "".join(c for c in wide if unicodedata.category(c) not in _INVISIBLE)


def compact_identifier(text: str) -> str:
    """Give an identifier as it is registered: compact, upper-case, without separators."""
    return "".join(c for c in compact(text) if c not in _SEPARATORS).upper()


def single_line(text: str) -> str:
    """Give a text of words with single spaces between them; control characters are kept out."""
    kept = "".join(" " if c.isspace() else c for c in unicodedata.normalize("NFC", text))
    return " ".join(kept.split())


def has_control(text: str) -> bool:
    """Tell whether `text` holds a control or invisible formatting character."""
    return any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn"} for c in text)
