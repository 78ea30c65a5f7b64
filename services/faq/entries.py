"""The FAQ entries, read from the files that people write.

An entry is two files a language: ``locales/<language>/faq/<id>.md`` has front matter and the
answer, ``<id>.phrasings.txt`` beside it the questions that the entry answers, one a line. Blank
lines and lines that begin with ``#`` are skipped.
"""

from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

import locales

SECTIONS: tuple[str, ...] = ("code", "apply", "card", "pin", "lost", "help")
"""The sections in the order in which they are browsed."""
PHRASINGS_SUFFIX = ".phrasings.txt"
MAX_PHRASING_CHARACTERS = 300
"""Longer lines are a pasted text rather than one question."""

_REQUIRED_KEYS = frozenset({"id", "section", "related", "sources", "checked"})
_OPTIONAL_KEYS = frozenset({"conversation"})

try:
    _Loader: type[yaml.CSafeLoader] | type[yaml.SafeLoader] = yaml.CSafeLoader
except AttributeError:  # PyYAML built without libyaml
    _Loader = yaml.SafeLoader


class EntryFormatError(Exception):
    """A file of an entry is missing or malformed.

    Its text begins with language, folder and file, so that it reads like a compiler's message:
    ``en/faq/fee.phrasings.txt:12: …``.

    :ivar path: the file.
    :ivar reason: what is wrong with it, in words for the author of the entry.
    :ivar line: the line, counted from 1, or `None` where the whole file is meant.
    """

    def __init__(self, path: Path, reason: str, line: int | None = None) -> None:
        place = "/".join(path.parts[-3:])
        super().__init__(f"{place}: {reason}" if line is None else f"{place}:{line}: {reason}")
        self.path = path
        self.reason = reason
        self.line = line


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


def read_entry(path: Path, language: str) -> Entry:
    """Read one entry from its Markdown file and the phrasings beside it.

    :raises EntryFormatError: if one of the two files is missing or malformed.
    """
    front, title, body = _split(path)
    meta = _parse_front_matter(path, front)
    entry_id = path.name.removesuffix(".md")
    if meta["id"] != entry_id:
        raise EntryFormatError(path, f"the id {meta['id']!r} differs from the file's name")
    phrasings = read_phrasings(path.with_name(entry_id + PHRASINGS_SUFFIX))
    try:
        sources = tuple(Source(**source) for source in meta["sources"])
        if not all(type(day) is date for day in (meta["checked"], *(s.date for s in sources))):
            raise EntryFormatError(path, "front matter: a date is not written as 2026-11-23")
        if not all(isinstance(text, str) for s in sources for text in (s.name, s.url)):
            raise EntryFormatError(path, "front matter: a source needs a name and a url")
        return Entry(
            id=entry_id,
            language=language,
            section=str(meta["section"]),
            title=title,
            body=body,
            phrasings=phrasings,
            related=tuple(str(related) for related in meta["related"]),
            sources=sources,
            checked=meta["checked"],
            conversation=meta.get("conversation"),
        )
    except TypeError as error:
        raise EntryFormatError(path, f"front matter: {error}") from error


def _split(path: Path) -> tuple[str, str, str]:
    """Return front matter, title and body."""
    text = "\n".join(_read_lines(path))
    if not text.startswith("---\n") or "\n---\n" not in text[4:]:
        raise EntryFormatError(path, "front matter between two lines of --- is missing")
    front, markdown = text[4:].split("\n---\n", 1)
    title, _, body = markdown.strip().partition("\n")
    if not title.startswith("# "):
        raise EntryFormatError(path, "the text must begin with a '# title' line")
    return front, title[2:].strip(), body.strip()


def _parse_front_matter(path: Path, front: str) -> dict[str, Any]:
    try:
        meta = yaml.load(front, _Loader)  # noqa: S506 - both loaders are the safe ones
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else None
        raise EntryFormatError(path, f"front matter: {error.problem}", line) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise EntryFormatError(path, f"front matter: {error}") from error
    if not isinstance(meta, dict):
        raise EntryFormatError(path, "front matter must be 'key: value' lines")
    if missing := _REQUIRED_KEYS - meta.keys():
        raise EntryFormatError(path, f"front matter lacks {', '.join(sorted(missing))}")
    if unknown := {str(key) for key in meta} - _REQUIRED_KEYS - _OPTIONAL_KEYS:
        raise EntryFormatError(path, f"front matter has unknown {', '.join(sorted(unknown))}")
    return meta


def read_phrasings(path: Path) -> tuple[str, ...]:
    """Read the phrasings of one entry in one language.

    :raises EntryFormatError: if the file is missing, empty or not UTF-8, or if a line is too long
        or repeated.
    """
    first_line: dict[str, int] = {}
    for number, line in enumerate(_read_lines(path), start=1):
        phrasing = line.strip()
        if not phrasing or phrasing.startswith("#"):
            continue
        if len(phrasing) > MAX_PHRASING_CHARACTERS:
            reason = f"longer than {MAX_PHRASING_CHARACTERS} characters"
            raise EntryFormatError(path, reason, number)
        if phrasing in first_line:
            reason = f"{phrasing!r} is already in line {first_line[phrasing]}"
            raise EntryFormatError(path, reason, number)
        first_line[phrasing] = number
    if not first_line:
        raise EntryFormatError(path, "there is no phrasing in this file")
    return tuple(first_line)


def _read_lines(path: Path) -> list[str]:
    """Return the lines of a UTF-8 file; a byte order mark and carriage returns are dropped.

    :raises EntryFormatError: if the file is missing or in another encoding.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise EntryFormatError(path, "this file is missing") from error
    lines = []
    for number, raw in enumerate(data.removeprefix(BOM_UTF8).split(b"\n"), start=1):
        try:
            line = raw.decode("utf-8").removesuffix("\r")
        except UnicodeDecodeError as error:
            raise EntryFormatError(path, "not written in UTF-8", number) from error
        if any(_is_control(character) for character in line):
            raise EntryFormatError(path, "a control character, perhaps of UTF-16", number)
        lines.append(line)
    return lines


def _is_control(character: str) -> bool:
    return character != "\t" and (character < " " or character == "\x7f")


class Entries:
    """All entries in all languages, in section order and then by id."""

    def __init__(self, entries: Mapping[tuple[str, str], Entry]) -> None:
        self._entries = entries
        self.ids: tuple[str, ...] = tuple(dict.fromkeys(entry_id for entry_id, _ in entries))

    def get(self, entry_id: str, language: str) -> Entry | None:
        """Return an entry, or `None` if no entry has this id."""
        return self._entries.get((entry_id, language))

    def section(self, section: str, language: str) -> list[Entry]:
        """Return the entries of one section in one language."""
        return [entry for entry in self.all(language) if entry.section == section]

    def all(self, language: str) -> list[Entry]:
        """Return every entry of one language."""
        return [entry for (_, of), entry in self._entries.items() if of == language]


@cache
def load_entries() -> Entries:
    """Read every entry of every language; later calls return the same object.

    :raises EntryFormatError: for the first file that is missing or malformed.
    """
    entries: list[Entry] = []
    for result in _read_all():
        if isinstance(result, EntryFormatError):
            raise result
        entries.append(result)
    entries.sort(key=lambda entry: (_section_rank(entry), entry.id))
    return Entries({(entry.id, entry.language): entry for entry in entries})


def find_format_errors() -> list[EntryFormatError]:
    """Return one error for every missing, malformed or stray file."""
    return [result for result in _read_all() if isinstance(result, EntryFormatError)]


def _read_all() -> Iterator[Entry | EntryFormatError]:
    for language in locales.LANGUAGES:
        folder = locales.folder(language, "faq")
        for path in sorted(folder.glob("*.md")):
            try:
                yield read_entry(path, language)
            except EntryFormatError as error:
                yield error
        for path in sorted(folder.glob(f"*{PHRASINGS_SUFFIX}")):
            entry_path = path.with_name(path.name.removesuffix(PHRASINGS_SUFFIX) + ".md")
            if not entry_path.exists():
                yield EntryFormatError(path, f"there is no {entry_path.name} beside it")


def _section_rank(entry: Entry) -> int:
    return SECTIONS.index(entry.section) if entry.section in SECTIONS else len(SECTIONS)
