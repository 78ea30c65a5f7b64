"""The facts that stand in many texts, from one file: figures, addresses, hours.

``{fee}`` in a text stands for the value of `fee` in ``locales/facts.yaml``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

import yaml

import locales

PATH = locales.ROOT / "facts.yaml"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_SPELLED_OUT = re.compile(
    r"NT\$ ?\d(?:[\d,]*\d)?|\d[\d,]* ?元|\b0\d{1,3}-\d{3,4}-?\d{2,4}\b|[\w.+-]+@[\w-]+\.[\w.-]*\w"
)
"""Amounts, telephone numbers and e-mail addresses, which are always facts."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact in every language.

    :ivar section: the section of docs/facts.md with its sources.
    :ivar checked: the day it was last compared with them.
    """

    name: str
    values: Mapping[str, str]
    section: str
    checked: date


@cache
def load_facts() -> Mapping[str, Fact]:
    """Read the facts by their names."""
    rows = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return {name: _fact(name, **row) for name, row in rows.items()}


def _fact(name: str, value: str | Mapping[str, str], section: str, checked: date) -> Fact:
    values = dict.fromkeys(locales.LANGUAGES, value) if isinstance(value, str) else value
    return Fact(name, values, section, checked)


def fill_in(text: str, language: str) -> str:
    """Return a text with the names of facts replaced by their values.

    :raises KeyError: for a name of no fact, or without a value in this language.
    """
    return _PLACEHOLDER.sub(lambda match: load_facts()[match[1]].values[language], text)


def find_unknown(text: str, language: str) -> Iterator[str]:
    """Return the names in a text that are no facts of this language."""
    for name in _PLACEHOLDER.findall(text):
        if name not in load_facts() or language not in load_facts()[name].values:
            yield name


def find_spelled_out(text: str, language: str) -> Iterator[tuple[str, str]]:
    """Return what a text spells out, with the name of its fact, or "" where there is none."""
    named = {fact.values[language]: fact.name for fact in load_facts().values()}
    values = "|".join(re.escape(value) for value in sorted(named, key=len, reverse=True))
    text = _PLACEHOLDER.sub(" ", text)
    spelled = re.findall(rf"(?<![\w.@/-])(?:{values})(?![\w-])", text, re.ASCII)
    for value in dict.fromkeys([*spelled, *_SPELLED_OUT.findall(text)]):
        yield value, named.get(value, "")
