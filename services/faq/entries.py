"""The FAQ entries, read from the files that people write.

An entry is two files a language: ``locales/<language>/faq/<id>.md`` has front matter and the
answer, ``<id>.phrasings.txt`` beside it the questions that the entry answers, one a line. Blank
lines and lines that begin with ``#`` are skipped.

A line of its own, such as ``[guide]``, marks a part of the answer (`Mark`). Names of facts, such
as ``{fee}``, are filled in from ``locales/facts.yaml``.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml

import locales
from locales import facts

SECTIONS: tuple[str, ...] = ("code", "apply", "card", "pin", "lost", "help")
"""The sections in the order in which they are browsed."""
PHRASINGS_SUFFIX = ".phrasings.txt"
MAX_PHRASING_CHARACTERS = 300
"""Longer lines are a pasted text rather than one question."""

_SAVE_AS = "Save the file as UTF-8"
_REQUIRED_KEYS = frozenset({"id", "code", "section", "related", "sources", "checked"})
_OPTIONAL_KEYS = frozenset({"conversation", "page", "picture"})
_MARK = re.compile(r"\[([^\[\]]+)\]")
"""A line that is a mark; a link has its address behind the brackets."""

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
    :ivar remedy: what to do about it.
    """

    def __init__(
        self,
        path: Path,
        reason: str,
        line: int | None = None,
        remedy: str = "Write it as docs/translating.md shows",
    ) -> None:
        place = "/".join(path.parts[-3:])
        super().__init__(f"{place}: {reason}" if line is None else f"{place}:{line}: {reason}")
        self.path = path
        self.reason = reason
        self.line = line
        self.remedy = remedy


class Mode(StrEnum):
    """Whether what an entry explains is done here, or on the official page."""

    EMBEDDED = "embedded"
    GUIDE = "guide"


class Mark(StrEnum):
    """What a mark says of the lines below it, up to the next one."""

    EMBEDDED = "embedded"
    GUIDE = "guide"
    BOTH = "both"
    MORE = "more"
    """For both modes, and the beginning of what is behind *More*."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an entry says in one mode.

    :ivar short: what is shown first.
    :ivar more: what is behind *More* besides the sources; empty where that is nothing.
    """

    short: str
    more: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact comes from; `date` is the day our copy of the page was last read."""

    name: str
    url: str
    date: date


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One FAQ entry in one language; compared by identity, so that its views can be cached."""

    id: str
    code: str
    """What the staff type to send it, without the slash."""
    language: str
    section: str
    title: str
    answers: Mapping[Mode, Answer]
    phrasings: tuple[str, ...]
    related: tuple[str, ...]
    sources: tuple[Source, ...]
    checked: date
    conversation: str | None = None
    """Name of the guided conversation that does what the entry explains."""
    page: str | None = None
    """Address of the official page where it is done."""
    picture: str | None = None
    """Name of a picture of what the entry is about."""

    @property
    def body(self) -> str:
        """Everything that the entry says in any mode; what modes share is repeated."""
        return "\n\n".join(f"{each.short}\n\n{each.more}" for each in self.answers.values())

    def says_the_same(self, other: "Entry") -> bool:
        """Whether another entry has the same content."""
        return all(getattr(self, f.name) == getattr(other, f.name) for f in fields(self))


def read_entry(path: Path, language: str) -> Entry:
    """Read one entry from its Markdown file and the phrasings beside it.

    :raises EntryFormatError: if one of the two files is missing or malformed.
    """
    front, title, answers = _split(path, language)
    meta = parse_front_matter(path, front)
    entry_id = path.name.removesuffix(".md")
    if meta["id"] != entry_id:
        reason = f"the id {meta['id']!r} differs from the file's name"
        raise EntryFormatError(path, reason, find_line(path, "id:"), f"Write id: {entry_id}")
    phrasings = read_phrasings(path.with_name(entry_id + PHRASINGS_SUFFIX))
    try:
        sources = tuple(Source(**source) for source in meta["sources"])
        for day in (meta["checked"], *(source.date for source in sources)):
            _require_date(path, day)
        if not all(isinstance(text, str) for s in sources for text in (s.name, s.url)):
            raise EntryFormatError(path, "front matter: a source needs a name and a url")
        return Entry(
            id=entry_id,
            code=str(meta["code"]),
            language=language,
            section=str(meta["section"]),
            title=title,
            answers=answers,
            phrasings=phrasings,
            related=tuple(str(related) for related in meta["related"]),
            sources=sources,
            checked=meta["checked"],
            conversation=meta.get("conversation"),
            page=meta.get("page"),
            picture=meta.get("picture"),
        )
    except TypeError as error:
        raise EntryFormatError(path, f"front matter: {error}") from error


def _require_date(path: Path, day: object) -> None:
    if type(day) is not date:
        line = find_line(path, f": {day}")
        reason = f"front matter: {str(day)!r} is no date"
        raise EntryFormatError(path, reason, line, "Write a day like 2026-11-23")


def find_line(
    path: Path, text: str, *, is_whole: bool = False, after: str | None = None
) -> int | None:
    """Return the first line of a file that holds `text`, or `None`.

    :param is_whole: whether the line has to be `text`.
    :param after: begin of the line after which it is looked for.
    """
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    first = next((n for n, line in enumerate(lines) if after and line.startswith(after)), 0)
    for number, line in enumerate(lines[first:], start=first + 1):
        if text == line.strip() if is_whole else text in line:
            return number
    return None


def split_front_matter(path: Path) -> tuple[str, list[str], int]:
    """Return the front matter of a file, its lines, and the index of the line with the title.

    :raises EntryFormatError: if there is no front matter or no title.
    """
    lines = read_lines(path)
    ends = [number for number, line in enumerate(lines) if line == "---"]
    if len(ends) < 2 or ends[0] != 0:
        raise EntryFormatError(path, "front matter between two lines of --- is missing")
    begin = next((n for n in range(ends[1] + 1, len(lines)) if lines[n].strip()), len(lines))
    if begin == len(lines) or not lines[begin].startswith("# "):
        raise EntryFormatError(path, "the text must begin with a '# title' line")
    return "\n".join(lines[1 : ends[1]]), lines, begin


def _split(path: Path, language: str) -> tuple[str, str, Mapping[Mode, Answer]]:
    """Return front matter, title and the answer in each mode."""
    front, lines, begin = split_front_matter(path)
    for number, line in enumerate(lines[begin:], start=begin):
        for name in facts.find_unknown(line):
            reason = f"{{{name}}} is no fact of locales/facts.yaml"
            remedy = "Write the name of a fact in that file, or add the fact to it"
            raise EntryFormatError(path, reason, number + 1, remedy)
    title = facts.fill_in(lines[begin][2:].strip(), language)
    return front, title, _read_answers(path, language, lines, begin + 1)


def _read_answers(path: Path, language: str, lines: list[str], begin: int) -> Mapping[Mode, Answer]:
    """Return the answer in each mode.

    :param begin: the index of the first line of the answer.
    """
    parts: list[tuple[Mark, str]] = []
    mark, mark_line, first = Mark.BOTH, 0, begin
    for number in range(begin, len(lines) + 1):
        found = _MARK.fullmatch(lines[number].strip()) if number < len(lines) else None
        if found is None and number < len(lines):
            continue
        text = "\n".join(lines[first:number]).strip()
        if not text and mark_line and (mark is not Mark.MORE or found is None):
            raise EntryFormatError(path, f"nothing follows [{mark}]", mark_line)
        parts.append((mark, facts.fill_in(text, language)))
        if found is not None:
            mark, mark_line, first = (
                _read_mark(path, found[1], number, parts),
                number + 1,
                number + 1,
            )
    answers = {mode: _choose(parts, mode) for mode in Mode}
    for mode, answer in answers.items():
        if not answer.short:
            reason = f"there is no answer in {mode} mode before [{Mark.MORE}]"
            line = find_line(path, f"[{Mark.MORE}]", is_whole=True)
            remedy = "Begin with the answer, in one to three sentences"
            raise EntryFormatError(path, reason, line, remedy)
    return answers


def _read_mark(path: Path, name: str, number: int, before: list[tuple[Mark, str]]) -> Mark:
    if name not in set(Mark):
        known = ", ".join(f"[{mark}]" for mark in Mark)
        raise EntryFormatError(path, f"[{name}] is none of the marks {known}", number + 1)
    if name == Mark.MORE and Mark.MORE in (mark for mark, _ in before):
        raise EntryFormatError(path, f"there is a second [{Mark.MORE}]", number + 1)
    return Mark(name)


def _choose(parts: list[tuple[Mark, str]], mode: Mode) -> Answer:
    """Return what the parts say in a mode."""
    marks = [mark for mark, _ in parts]
    border = marks.index(Mark.MORE) if Mark.MORE in marks else len(parts)
    wanted = {Mark(mode), Mark.BOTH, Mark.MORE}
    short, more = (
        "\n\n".join(text for mark, text in half if text and mark in wanted)
        for half in (parts[:border], parts[border:])
    )
    return Answer(short, more)


def parse_front_matter(
    path: Path,
    front: str,
    required: frozenset[str] = _REQUIRED_KEYS,
    optional: frozenset[str] = _OPTIONAL_KEYS,
) -> dict[str, Any]:
    """Return what stands between the two lines of ---.

    :raises EntryFormatError: if it is malformed, or has other keys.
    """
    try:
        meta = yaml.load(front, _Loader)  # noqa: S506 - both loaders are the safe ones
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else None
        raise EntryFormatError(path, f"front matter: {error.problem}", line) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise EntryFormatError(path, f"front matter: {error}") from error
    if not isinstance(meta, dict):
        raise EntryFormatError(path, "front matter must be 'key: value' lines")
    if missing := required - meta.keys():
        raise EntryFormatError(path, f"front matter lacks {', '.join(sorted(missing))}")
    if unknown := {str(key) for key in meta} - required - optional:
        raise EntryFormatError(path, f"front matter has unknown {', '.join(sorted(unknown))}")
    return meta


def read_phrasings(path: Path) -> tuple[str, ...]:
    """Read the phrasings of one entry in one language.

    :raises EntryFormatError: if the file is missing, empty or not UTF-8, or if a line is too long
        or repeated.
    """
    first_line: dict[str, int] = {}
    for number, line in enumerate(read_lines(path), start=1):
        phrasing = line.strip()
        if not phrasing or phrasing.startswith("#"):
            continue
        if len(phrasing) > MAX_PHRASING_CHARACTERS:
            reason = f"longer than {MAX_PHRASING_CHARACTERS} characters"
            raise EntryFormatError(path, reason, number, "Write one question a line")
        if phrasing in first_line:
            reason = f"{phrasing!r} is already in line {first_line[phrasing]}"
            raise EntryFormatError(path, reason, number, "Delete one of the two lines")
        first_line[phrasing] = number
    if not first_line:
        raise EntryFormatError(path, "there is no phrasing in this file")
    return tuple(first_line)


def read_lines(path: Path) -> list[str]:
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
            raise EntryFormatError(path, "not written in UTF-8", number, _SAVE_AS) from error
        if any(_is_control(character) for character in line):
            raise EntryFormatError(path, "a control character, perhaps of UTF-16", number, _SAVE_AS)
        lines.append(line)
    return lines


def _is_control(character: str) -> bool:
    return character != "\t" and (character < " " or character == "\x7f")


class Entries:
    """All entries in all languages, in section order and then by id."""

    def __init__(self, entries: Mapping[tuple[str, str], Entry]) -> None:
        self._entries = entries
        self.ids: tuple[str, ...] = tuple(dict.fromkeys(entry_id for entry_id, _ in entries))

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Entries":
        """Return these entries in their order."""
        ordered = sorted(entries, key=lambda entry: (_section_rank(entry), entry.id))
        return cls({(entry.id, entry.language): entry for entry in ordered})

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
    return read_entry_files()


def read_entry_files() -> Entries:
    """Read every entry of every language, as the files are now.

    :raises EntryFormatError: for the first file that is missing or malformed.
    """
    entries: list[Entry] = []
    for result in _read_all():
        if isinstance(result, EntryFormatError):
            raise result
        entries.append(result)
    return Entries.of(entries)


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
