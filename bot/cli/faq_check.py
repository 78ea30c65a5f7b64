"""The rules of `kaika faq check`: what must be true of every FAQ entry in every language."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from opencc import OpenCC

import locales
from handlers.conversations.registry import GUIDES
from handlers.desk.setup import MAX_COMMANDS, STAFF_COMMANDS
from handlers.desk.staff_commands import COMMANDS
from handlers.faq import answers
from handlers.screen import markdown
from handlers.screen.text import N_, label
from locales import facts
from locales.pictures import load_picture_texts
from services.faq import canned, error_codes
from services.faq import entries as entries_module
from services.faq.checks import canned_answers, codes, freshness, parity, phrasings
from services.faq.checks.findings import FaqFinding
from services.faq.entries import SECTIONS, Entries, Entry, Mode, find_line
from services.faq.index import load_index
from services.faq.search import FaqSearch

HEADINGS = (
    N_("Steps"),
    N_("Menu path"),
    N_("Good to know"),
    N_("If it does not work"),
    N_("Not certain"),
)
"""The headings an entry may have; the catalogue has them in the other languages."""

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_LINK = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&'*+,;=%-]*[A-Za-z0-9/_=-]")
_LIST_NUMBER = re.compile(r"^[ \t]*\d+\. ", re.MULTILINE)
_FIGURE = re.compile(r"\d+(?:[.,:-]\d+)*")
_LEFTOVER = re.compile(r"\*\*|__|^#+ |\]\(", re.MULTILINE)
_GOVERNMENT = ".gov.tw"
_PAGE = re.compile(rf"https://[a-z0-9.-]+{re.escape(_GOVERNMENT)}(/\S*)?")
_LONGEST_TITLE = 60
# In Big5, but in Taiwan only the Simplified form of another character.
_SIMPLIFIED_IN_BIG5 = frozenset("体号个与万听党属双没")


def count_entries() -> int:
    """Return the number of entries."""
    return len(entries_module.load_entries().ids)


@dataclass(frozen=True, slots=True)
class Examination:
    """What is wrong with the FAQ, errors first, by file and line.

    :ivar search: over the entries; `None` where a file cannot be read.
    """

    findings: list[FaqFinding]
    search: FaqSearch | None


def find_problems(today: date, *, every_phrasing: bool = False) -> list[FaqFinding]:
    """Return what is wrong, errors first, by file and line.

    :param every_phrasing: also name phrasings that lead to another entry with theirs next to it.
    """
    return examine(today, every_phrasing=every_phrasing).findings


def examine(today: date, *, every_phrasing: bool = False) -> Examination:
    """Check the entries as the files have them.

    Files that cannot be read are reported alone, since the other rules need all of them.
    """
    if errors := [*entries_module.find_format_errors(), *canned.find_malformed_answers()]:
        found = [FaqFinding(each.path, each.line, each.reason, each.remedy) for each in errors]
        return Examination(found, None)
    known = entries_module.read_entry_files()
    search, answers_by_hand = FaqSearch(known, load_index(known)), canned.read_canned_answers()
    commands = STAFF_COMMANDS.keys() | COMMANDS.keys()
    found = [
        *_pair_problems(known),
        *_entry_problems(known),
        *_spelled_out_facts(known),
        *_error_code_problems(),
        *codes.find_bad_codes(known, answers_by_hand, commands, MAX_COMMANDS),
        *canned_answers.find_bad_canned_answers(known, answers_by_hand, _render),
        *parity.find_differences(known),
        *phrasings.find_shared(known),
        *phrasings.find_led_astray(known, search, every_one=every_phrasing),
        *freshness.find_stale(known, today),
    ]
    found.sort(key=lambda each: (each.is_warning, each.path, each.line or 0))
    return Examination(found, search)


def _render(text: str) -> str:
    """Return the message of a Markdown text.

    :raises ValueError: for Markdown that Telegram cannot show.
    """
    try:
        return markdown.join_blocks(markdown.render(text))
    except markdown.MarkdownError as error:
        raise ValueError(error.kind) from error


def _path(entry: Entry) -> Path:
    return locales.folder(entry.language, "faq") / f"{entry.id}.md"


def _pair_problems(known: Entries) -> Iterator[FaqFinding]:
    for entry_id in known.ids:
        pair = [known.get(entry_id, language) for language in locales.LANGUAGES]
        first, *others = pair
        for language, entry in zip(locales.LANGUAGES, pair, strict=True):
            if entry is None:
                path = locales.folder(language, "faq") / f"{entry_id}.md"
                remedy = "Write it, or delete the entry in every language"
                yield FaqFinding(path, None, f"{entry_id} is missing in {language}", remedy)
        for other in others:
            if first is not None and other is not None:
                yield from _differences(first, other)


def _differences(first: Entry, other: Entry) -> Iterator[FaqFinding]:
    facts_of: dict[str, tuple[Callable[[Entry], object], str]] = {
        "code": (lambda e: e.code, "code:"),
        "section": (lambda e: e.section, "section:"),
        "related entries": (lambda e: e.related, "related:"),
        "conversation": (lambda e: e.conversation, "conversation:"),
        "picture": (lambda e: e.picture, "picture:"),
        "official page": (lambda e: e.page, "page:"),
        "sources": (lambda e: [(s.url, s.date) for s in e.sources], "sources:"),
        "day of the last check": (lambda e: e.checked, "checked:"),
        "headings": (_english_headings, "## "),
        "links": (find_links, "http"),
        "figures": (find_figures, "# "),
    }
    for name, (of, mark) in facts_of.items():
        if of(first) != of(other):
            yield FaqFinding(
                _path(other),
                find_line(_path(other), mark),
                f"{name} differ: {first.language} {of(first)!r}, {other.language} {of(other)!r}",
                f"Say the same in {first.language}/faq/{first.id}.md and here",
            )


def _headings(language: str) -> dict[str, str]:
    """Return the headings in a language, with the English one of each."""
    return {label(language, each): each for each in HEADINGS}


def _english_headings(entry: Entry) -> list[str]:
    headings = _headings(entry.language)
    return [headings.get(each, each) for each in _HEADING.findall(entry.body)]


def find_links(entry: Entry) -> set[str]:
    """Return the addresses in an entry's text."""
    return set(_LINK.findall(entry.body))


def find_figures(entry: Entry) -> list[str]:
    """Return the figures in an entry's text, except list numbers and those in addresses."""
    text = _LINK.sub(" ", _LIST_NUMBER.sub("", entry.body))
    return sorted(set(_FIGURE.findall(text)))


def _entry_problems(known: Entries) -> Iterator[FaqFinding]:
    for language in locales.LANGUAGES:
        for entry in known.all(language):
            yield from _front_matter_problems(known, entry)
            yield from _text_problems(entry)


def _front_matter_problems(known: Entries, entry: Entry) -> Iterator[FaqFinding]:
    path = _path(entry)
    if entry.section not in SECTIONS:
        remedy = f"Write one of {', '.join(SECTIONS)}"
        line = find_line(path, "section:")
        yield FaqFinding(path, line, f"there is no section {entry.section!r}", remedy)
    if entry.conversation is not None and entry.conversation not in GUIDES:
        remedy = f"Write one of {', '.join(GUIDES)}"
        line = find_line(path, "conversation:")
        yield FaqFinding(path, line, f"there is no conversation {entry.conversation!r}", remedy)
    for related in entry.related:
        if related not in known.ids or related == entry.id:
            problem = f"related entry {related!r} does not exist or is itself"
            remedy = "Write the ids of other entries"
            yield FaqFinding(path, find_line(path, "related:"), problem, remedy)
    if entry.page is not None and not _PAGE.fullmatch(entry.page):
        problem = f"page {entry.page!r} is no https address of a {_GOVERNMENT} site"
        remedy = "Write the address of the official page"
        yield FaqFinding(path, find_line(path, "page:"), problem, remedy)
    if entry.picture is not None and entry.picture not in load_picture_texts(entry.language):
        remedy = f"Write one of {', '.join(load_picture_texts(entry.language))}"
        line = find_line(path, "picture:")
        yield FaqFinding(path, line, f"there is no picture {entry.picture!r}", remedy)
    yield from _source_problems(entry, path)


def _source_problems(entry: Entry, path: Path) -> Iterator[FaqFinding]:
    if not entry.sources:
        remedy = "Name the page that says so, with its address and the day it was read"
        yield FaqFinding(path, find_line(path, "sources:"), "there is no source", remedy)
    for source in entry.sources:
        if not _is_address(source.url):
            problem = f"source {source.url!r} is no address"
            remedy = "Write the https address of the page"
            yield FaqFinding(path, find_line(path, source.url), problem, remedy)


def _is_address(text: str) -> bool:
    """Whether a text is the address of a page on a public host."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    is_plain = not any(character.isspace() for character in text)
    return is_plain and parts.scheme in ("http", "https") and "." in (parts.hostname or "")


def _text_problems(entry: Entry) -> Iterator[FaqFinding]:
    path = _path(entry)
    if len(entry.title) > _LONGEST_TITLE:
        problem = f"the title is longer than {_LONGEST_TITLE} characters"
        yield FaqFinding(path, find_line(path, "# "), problem, "Shorten it")
    for heading in _HEADING.findall(entry.body):
        if heading not in _headings(entry.language):
            problem = f"heading {heading!r} is not one of the fixed ones"
            remedy = f"Write one of {', '.join(_headings(entry.language))}"
            yield FaqFinding(path, find_line(path, f"## {heading}"), problem, remedy)
    yield from _rendering_problems(entry)
    if entry.language == "zh_Hant":
        yield from _simplified_characters(entry)


def _simplified_characters(entry: Entry) -> Iterator[FaqFinding]:
    file = _path(entry)
    phrasings_file = file.with_name(entry.id + entries_module.PHRASINGS_SUFFIX)
    for path, text in (
        (file, entry.title + entry.body),
        (phrasings_file, "".join(entry.phrasings)),
    ):
        for character in sorted(find_simplified(text)):
            remedy = "Write the Traditional one"
            line = find_line(path, character)
            yield FaqFinding(path, line, f"Simplified character {character}", remedy)


def _spelled_out_facts(known: Entries) -> Iterator[FaqFinding]:
    for language in locales.LANGUAGES:
        for entry in known.all(language):
            path = _path(entry)
            text = path.read_text(encoding="utf-8")
            begin = text.index("\n---\n") + len("\n---\n")
            first = text.count("\n", 0, begin) + 1
            for number, line in enumerate(text[begin:].splitlines(), start=first):
                for value, name in facts.find_spelled_out(line, language):
                    remedy = (
                        f"Write {{{name}}}"
                        if name
                        else "Write the name of a fact; a new one goes into locales/facts.yaml"
                    )
                    yield FaqFinding(path, number, f"{value!r} is spelled out", remedy)


def _rendering_problems(entry: Entry) -> Iterator[FaqFinding]:
    path = _path(entry)
    try:
        messages = [
            of(entry, mode) for mode in Mode for of in (answers.answer_text, answers.more_text)
        ]
    except (markdown.MarkdownError, ValueError) as error:
        remedy = "Use bold, code, links and flat lists only"
        yield FaqFinding(path, None, f"cannot be shown in Telegram: {error}", remedy)
        return
    if any(_LEFTOVER.search(message) for message in messages):
        problem = "Markdown signs are left over after rendering"
        yield FaqFinding(
            path, find_line(path, "**"), problem, "Keep punctuation outside of **bold**"
        )


@cache
def _to_traditional() -> OpenCC:
    return OpenCC("s2t")


def find_simplified(text: str) -> set[str]:
    """Return the characters of `text` that exist in Simplified Chinese only."""
    return {
        character
        for character in set(text)
        if "\u4e00" <= character <= "\u9fff"
        and _to_traditional().convert(character) != character
        and (character in _SIMPLIFIED_IN_BIG5 or not _in_big5(character))
    }


def to_traditional(text: str) -> str:
    """Return a text as written in Taiwan, where it has Simplified characters."""
    return _to_taiwanese().convert(text) if find_simplified(text) else text


@cache
def _to_taiwanese() -> OpenCC:
    return OpenCC("s2tw")


def _in_big5(character: str) -> bool:
    try:
        character.encode("big5")
    except UnicodeEncodeError:
        return False
    return True


def _error_code_problems() -> Iterator[FaqFinding]:
    first, *others = locales.LANGUAGES
    for language in others:
        if list(error_codes.load_table(language)) != list(error_codes.load_table(first)):
            path = locales.folder(language, "error_codes.yaml")
            problem = f"it does not list the same codes as {first}, in order"
            yield FaqFinding(path, None, problem, "List the same ones in every language")
