"""The facts that stand in many texts, from one file: figures, addresses, hours.

``{fee}`` in a text stands for the value of `fee` in ``locales/facts.yaml``, in the words that
``locales/<language>/facts.yaml`` puts around it. A message of a catalogue names facts beside the
values of its own: `format_message`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

import locales

_FILE = "facts.yaml"
PATH = locales.ROOT / _FILE
_MAX_AGE_DAYS = 180
_VALUE = "{}"
"""Stands for the value among the words of a language."""
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_GOES_BEFORE = re.compile(r"[\w.@/-]", re.ASCII)
_GOES_AFTER = re.compile(r"[\w-]", re.ASCII)
_SPELLED_OUT = re.compile(
    r"(?:NT\$|NTD|TWD) ?\d(?:[\d,]{0,12}\d)?"
    r"|\d[\d,]{0,12} ?(?:元|塊|NTD\b|TWD\b|dollars?\b)"
    r"|(?<![\w-])0\d{1,3}[- ]?\d{3,4}[- ]?\d{2,4}(?![\w-])"
    r"|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{0,100}\w"
)
"""Amounts, telephone numbers and e-mail addresses, which are always facts."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact in every language.

    :ivar section: the section of docs/facts.md with its sources.
    :ivar checked: the day it was last compared with them.
    :ivar max_age: how long it is good without another look.
    """

    name: str
    values: Mapping[str, str]
    section: str
    checked: date
    max_age: timedelta


@cache
def load_facts() -> Mapping[str, Fact]:
    """Read the facts by their names."""
    facts = {}
    words = {language: load_words(language) for language in locales.LANGUAGES}
    for name, row in _read(PATH).items():
        values = {
            language: around.get(name, _VALUE).replace(_VALUE, row["value"])
            for language, around in words.items()
        }
        max_age = timedelta(days=row.get("max_age_days", _MAX_AGE_DAYS))
        facts[name] = Fact(name, values, row["section"], row["checked"], max_age)
    return facts


def load_words(language: str) -> Mapping[str, str]:
    """Read the words that a language puts around values; a language may have none."""
    path = locales.ROOT / language / _FILE
    return _read(path) if path.exists() else {}


def _read(path: Path) -> dict[str, Any]:
    rows: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return rows


def fill_in(text: str, language: str) -> str:
    """Return a text with the names of facts replaced by their values; other names are left."""
    known = load_facts()
    return _PLACEHOLDER.sub(
        lambda match: known[match[1]].values[language] if match[1] in known else match[0], text
    )


def format_message(message: str, language: str, values: Mapping[str, object]) -> str:
    """Return a message with its placeholders filled in; what is not among the values is a fact.

    :raises KeyError: for a name of neither.
    """
    return message.format_map(_ValuesOrFacts(language, values)) if "{" in message else message


class _ValuesOrFacts(dict[str, object]):
    """The values of a message, and the facts in its language."""

    def __init__(self, language: str, values: Mapping[str, object]) -> None:
        super().__init__(values)
        self._language = language

    def __missing__(self, name: str) -> str:
        return load_facts()[name].values[self._language]


def find_unknown(text: str) -> Iterator[str]:
    """Return the names in a text that are no facts."""
    return (name for name in _PLACEHOLDER.findall(text) if name not in load_facts())


def find_spelled_out(text: str, language: str) -> Iterator[tuple[str, str]]:
    """Return what a text spells out, with the name of its fact, or "" where there is none."""
    named = {fact.values[language]: fact.name for fact in load_facts().values()}
    text, spelled = _PLACEHOLDER.sub(" ", text), []
    for value in sorted(named, key=len, reverse=True):  # one may be a part of a longer one
        if _stands_alone(value, text):
            spelled.append(value)
            text = text.replace(value, " ")
    for value in dict.fromkeys([*spelled, *_SPELLED_OUT.findall(text)]):
        yield value, named.get(value, "")


def _stands_alone(value: str, text: str) -> bool:
    """Whether a value is in a text other than as a part of a word, a number or an address."""
    parts = text.split(value)
    return any(
        not (_GOES_BEFORE.match(left[-1:]) or _GOES_AFTER.match(right[:1]))
        for left, right in pairwise(parts)
    )
