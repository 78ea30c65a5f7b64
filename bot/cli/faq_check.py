"""The rules of `kaika faq check`: what must be true of every FAQ entry in every language."""

import re
from collections.abc import Callable, Iterator

from opencc import OpenCC

import locales
from handlers.faq import answers
from handlers.screen import markdown
from locales import facts
from services.faq import entries as entries_module
from services.faq import error_codes
from services.faq.entries import SECTIONS, Entries, Entry, EntryFormatError, Mode

HEADINGS = {
    "Steps": "步驟",
    "Menu path": "選單路徑",
    "Good to know": "補充說明",
    "If it does not work": "如果不順利",
    "Not certain": "尚不確定",
}
"""The headings an entry may have, English → Traditional Chinese."""

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


def find_problems() -> list[str]:
    """Return one line for every problem.

    Files that cannot be read are reported alone, since the other rules need all of them.
    """
    if errors := entries_module.find_format_errors():
        return [str(error) for error in errors]
    known = entries_module.load_entries()
    return [
        *_pair_problems(known),
        *_entry_problems(known),
        *_spelled_out_facts(known),
        *_error_code_problems(),
    ]


def _pair_problems(known: Entries) -> Iterator[str]:
    for entry_id in known.ids:
        pair = [known.get(entry_id, language) for language in locales.LANGUAGES]
        first, *others = pair
        for language, entry in zip(locales.LANGUAGES, pair, strict=True):
            if entry is None:
                yield f"{entry_id}: missing in {language}"
        for other in others:
            if first is not None and other is not None:
                yield from _differences(first, other)


def _differences(first: Entry, other: Entry) -> Iterator[str]:
    facts: dict[str, Callable[[Entry], object]] = {
        "section": lambda e: e.section,
        "related entries": lambda e: e.related,
        "conversation": lambda e: e.conversation,
        "official page": lambda e: e.page,
        "sources": lambda e: [(s.url, s.date) for s in e.sources],
        "day of the last check": lambda e: e.checked,
        "headings": lambda e: [HEADINGS.get(h, h) for h in _HEADING.findall(e.body)],
        "links": find_links,
        "figures": find_figures,
    }
    for name, of in facts.items():
        if of(first) != of(other):
            yield (
                f"{first.id}: {name} differ: "
                f"{first.language} {of(first)!r}, {other.language} {of(other)!r}"
            )


def find_links(entry: Entry) -> set[str]:
    """Return the addresses in an entry's text."""
    return set(_LINK.findall(entry.body))


def find_figures(entry: Entry) -> list[str]:
    """Return the figures in an entry's text, except list numbers and those in addresses."""
    text = _LINK.sub(" ", _LIST_NUMBER.sub("", entry.body))
    return sorted(set(_FIGURE.findall(text)))


def _entry_problems(known: Entries) -> Iterator[str]:
    for language in locales.LANGUAGES:
        for entry in known.all(language):
            for problem in _problems_of(known, entry):
                yield f"{entry.id} ({language}): {problem}"


def _problems_of(known: Entries, entry: Entry) -> Iterator[str]:
    if entry.section not in SECTIONS:
        yield f"section {entry.section!r} is none of {', '.join(SECTIONS)}"
    if len(entry.title) > _LONGEST_TITLE:
        yield f"the title is longer than {_LONGEST_TITLE} characters"
    if not entry.sources:
        yield "no source"
    if entry.page is not None and not _PAGE.fullmatch(entry.page):
        yield f"page {entry.page!r} is no https address of a {_GOVERNMENT} site"
    for related in entry.related:
        if related not in known.ids or related == entry.id:
            yield f"related entry {related!r} does not exist or is itself"
    for heading in _HEADING.findall(entry.body):
        if heading not in HEADINGS and heading not in HEADINGS.values():
            yield f"heading {heading!r} is not one of the fixed ones"
    yield from _rendering_problems(entry)
    if entry.language == "zh_Hant":
        text = "".join((entry.title, entry.body, *entry.phrasings))
        for character in sorted(find_simplified(text)):
            yield f"Simplified character {character}"


def _spelled_out_facts(known: Entries) -> Iterator[str]:
    for language in locales.LANGUAGES:
        for entry in known.all(language):
            path = locales.folder(language, "faq") / f"{entry.id}.md"
            text = path.read_text(encoding="utf-8")
            begin = text.index("\n---\n") + len("\n---\n")
            first = text.count("\n", 0, begin) + 1
            for number, line in enumerate(text[begin:].splitlines(), start=first):
                for value, name in facts.find_spelled_out(line, language):
                    remedy = f"write {{{name}}}" if name else "add it to locales/facts.yaml"
                    problem = f"{value!r} is spelled out; {remedy}"
                    yield str(EntryFormatError(path, problem, number))


def _rendering_problems(entry: Entry) -> Iterator[str]:
    try:
        messages = [
            of(entry, mode) for mode in Mode for of in (answers.answer_text, answers.more_text)
        ]
    except (markdown.MarkdownError, ValueError) as error:
        yield f"cannot be shown in Telegram: {error}"
        return
    if any(_LEFTOVER.search(message) for message in messages):
        yield "Markdown signs are left over after rendering, often ** beside punctuation"


def find_simplified(text: str) -> set[str]:
    """Return the characters of `text` that exist in Simplified Chinese only."""
    to_traditional = OpenCC("s2t")
    return {
        character
        for character in set(text)
        if "\u4e00" <= character <= "\u9fff"
        and to_traditional.convert(character) != character
        and (character in _SIMPLIFIED_IN_BIG5 or not _in_big5(character))
    }


def _in_big5(character: str) -> bool:
    try:
        character.encode("big5")
    except UnicodeEncodeError:
        return False
    return True


def _error_code_problems() -> Iterator[str]:
    first, *others = locales.LANGUAGES
    for language in others:
        if list(error_codes.load_table(language)) != list(error_codes.load_table(first)):
            yield f"error codes: {language} does not list the same ones as {first}, in order"
