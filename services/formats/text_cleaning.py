"""Cleaning of typed text: full-width forms, spaces, invisible characters, heaped accents.

All of it takes time in proportion to the length of the text, whatever is in it.
"""

import unicodedata
from collections.abc import Collection

_SEPARATORS = frozenset("-‐‑‒–—―－.·・_")
_INVISIBLE = ("Cc", "Cf")
_SPACES = ("Zs", "Zl", "Zp")
_MAX_FORM = 4
"""Characters that one character may become; the ligatures of whole words stay as they are."""
_MAX_MARKS = 30
"""Marks in a row that are kept (UAX #15 §13, Stream-Safe Text Format)."""
_HIDDEN_MARKS = frozenset("\u0f73\u0f75\u0f81\uff9e\uff9f")
"""Characters that are no marks themselves, but become marks when they are normalised."""
_MAX_TABLE = 20_000
_LONGEST_PHRASE = 40
"""More than any phrase that is looked up has in characters, decomposed and with what people add."""
_PUNCTUATION = str.maketrans(dict.fromkeys("。!.,~、", " "))
"""In half-width forms."""


class _CharacterTable(dict[int, str]):
    """Table for `str.translate` to half-width forms (NFKC), filled as characters are met."""

    def __init__(self, dropped: Collection[str], kept: str = "") -> None:
        super().__init__()
        self._dropped = dropped
        self._kept = kept

    def __missing__(self, code: int) -> str:
        character = chr(code)
        form = unicodedata.normalize("NFKC", character)
        short = form if len(form) <= _MAX_FORM else character
        if len(self) >= _MAX_TABLE:
            self.clear()
        self[code] = "".join(filter(self._is_shown, short))
        return self[code]

    def _is_shown(self, character: str) -> bool:
        return character in self._kept or unicodedata.category(character) not in self._dropped


_FORMS = _CharacterTable(())
_VISIBLE = _CharacterTable(_INVISIBLE, kept="\n")
_COMPACT = _CharacterTable((*_INVISIBLE, *_SPACES))


def strip_invisible(text: str) -> str:
    """Return `text` in half-width forms and without invisible characters."""
    return text.translate(_VISIBLE)


def compact(text: str) -> str:
    """Return `text` in half-width forms, without spaces and invisible characters."""
    return text.translate(_COMPACT)


def compact_identifier(text: str) -> str:
    """Return an identifier in registered form: compact, upper-case, without separators."""
    return "".join(c for c in compact(text) if c not in _SEPARATORS).upper()


def single_line(text: str) -> str:
    """Return the words of `text` on one line, separated by single spaces."""
    spaced = "".join(" " if c.isspace() else c for c in _compose(text))
    return " ".join(spaced.split())


def plain_words(text: str) -> str:
    """Return the words of a phrase in lower case and without punctuation, to look them up.

    A longer text is no phrase: nothing is returned.
    """
    if len(text) > _LONGEST_PHRASE:
        return ""
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_PUNCTUATION)
    return " ".join(plain.split())


def has_control_characters(text: str) -> bool:
    """Whether `text` contains a control or invisible formatting character."""
    return any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn"} for c in text)


def normalize(text: str) -> str:
    """Return `text` in half-width forms, with letters and their marks in one."""
    return text if text.isascii() else _compose(text.translate(_FORMS))


def _compose(text: str) -> str:
    """Return `text` with letters and their marks in one (NFC), at most 30 marks in a row.

    Python sorts the marks of a row in quadratic time.
    """
    return unicodedata.normalize("NFC", _limit_marks(text))


def _limit_marks(text: str) -> str:
    kept: list[str] = []
    marks = 0
    for character in text:
        is_mark = unicodedata.combining(character) or character in _HIDDEN_MARKS
        marks = marks + 1 if is_mark else 0
        if marks <= _MAX_MARKS:
            kept.append(character)
    return "".join(kept)
