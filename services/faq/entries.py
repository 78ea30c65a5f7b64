"""The FAQ entries as written in ``locales/<language>/faq/<id>.md``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import yaml

import locales

SECTIONS: tuple[str, ...] = ("code", "apply", "card", "pin", "lost", "help")
"""The sections in the order in which they are browsed."""

try:
    _Loader: type[yaml.CSafeLoader] | type[yaml.SafeLoader] = yaml.CSafeLoader
except AttributeError:  # PyYAML built without libyaml
    _Loader = yaml.SafeLoader


class EntryFormatError(Exception):
    """An entry's file is not as the format demands.

    :ivar path: the file.
    :ivar reason: what is wrong with it, for the person who writes entries.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path.name}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact comes from; `date` is the day our copy of the page was last read."""

    name: str
    url: str
    date: date


@dataclass(frozen=True, slots=True)
class Entry:
    """One FAQ entry in one language."""

    id: str
    language: str
    section: str
    title: str
    body: str
    phrasings: tuple[str, ...]
    related: tuple[str, ...]
    sources: tuple[Source, ...]
    checked: date
    conversation: str | None = None
    """Name of the guided conversation that does what the entry explains."""


def _split(path: Path) -> tuple[str, str]:
    text = path.read_text(encoding="utf-8")
    if not text.startswith("---\n") or "\n---\n" not in text[4:]:
        raise EntryFormatError(path, "front matter between two lines of --- is missing")
    front, body = text[4:].split("\n---\n", 1)
    return front, body.strip()


def read_entry(path: Path, language: str) -> Entry:
    """Read one entry.

    :raises EntryFormatError: for missing or malformed front matter or title.
    """
    front, body = _split(path)
    title, _, rest = body.partition("\n")
    if not title.startswith("# "):
        raise EntryFormatError(path, "the text must begin with a '# title' line")
    try:
        meta = yaml.load(front, _Loader)  # noqa: S506 - both loaders are the safe ones
        return Entry(
            id=str(meta["id"]),
            language=language,
            section=str(meta["section"]),
            title=title[2:].strip(),
            body=rest.strip(),
            phrasings=tuple(str(phrasing) for phrasing in meta["phrasings"]),
            related=tuple(str(entry_id) for entry_id in meta["related"]),
            sources=tuple(Source(**source) for source in meta["sources"]),
            checked=meta["checked"],
            conversation=meta.get("conversation"),
        )
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise EntryFormatError(path, f"front matter: {type(error).__name__}: {error}") from error


class Entries:
    """All entries in all languages, in section order and then by id."""

    def __init__(self, entries: Mapping[tuple[str, str], Entry]) -> None:
        self._entries = entries
        self.ids: tuple[str, ...] = tuple(dict.fromkeys(entry_id for entry_id, _ in entries))

    def get(self, entry_id: str, language: str) -> Entry | None:
        """Give an entry, or `None` where no entry has this id."""
        return self._entries.get((entry_id, language))

    def section(self, section: str, language: str) -> list[Entry]:
        """Give the entries of one section in one language."""
        return [entry for entry in self.all(language) if entry.section == section]

    def all(self, language: str) -> list[Entry]:
        """Give every entry of one language."""
        return [entry for (_, of), entry in self._entries.items() if of == language]


@cache
def load() -> Entries:
    """Read every entry of every language once.

    :raises EntryFormatError: for a malformed file.
    """
    read = [
        read_entry(path, language)
        for language in locales.LANGUAGES
        for path in sorted(locales.folder(language, "faq").glob("*.md"))
    ]
    read.sort(key=lambda entry: (_section_rank(entry), entry.id))
    return Entries({(entry.id, entry.language): entry for entry in read})


def _section_rank(entry: Entry) -> int:
    return SECTIONS.index(entry.section) if entry.section in SECTIONS else len(SECTIONS)
