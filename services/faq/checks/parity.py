"""Whether the languages of an entry say the same, as far as can be told without reading them.

- ``locales/<language>/faq_terms.yaml`` has the words of each language for what must not differ,
  such as *credit card* and *cash*.
- What is in bold in one language is in bold in the other.
- Answers grow alike: one that is much shorter than in other entries lacks a sentence.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from statistics import median

import yaml

import locales
from services.faq.checks.findings import FaqFinding
from services.faq.entries import Entries, Entry, Mode, find_line

_LINK = re.compile(r"https?://\S+")
_QUOTE = re.compile(r"“[^“”\n]*+”")
_MENU = re.compile(r"(?<![^\s。，：；（(])[^\s。，：；（(]++(?: → [^\s。，：；）)]++)+")
"""The site's own words, which say one thing in each language."""
_BOLD = re.compile(r"\*\*.+?\*\*")
_LIKE_OTHERS = (0.6, 2.0)
"""How much longer an answer may be than its other language leads to expect."""
_FEWEST_ENTRIES = 10
"""Entries that it takes to know what to expect."""
_LATIN = re.compile(r"[A-Za-z]")


@cache
def load_terms(language: str) -> Mapping[str, re.Pattern[str]]:
    """Read the terms of a language; the pattern of each finds its words."""
    text = locales.folder(language, "faq_terms.yaml").read_text(encoding="utf-8")
    return {term: _any_of(words) for term, words in yaml.safe_load(text).items()}


def _any_of(words: list[str]) -> re.Pattern[str]:
    """Return a pattern of words, which in scripts with spaces stand by themselves."""
    patterns = [
        rf"(?<![A-Za-z]){re.escape(word)}(?![A-Za-z])" if _LATIN.search(word) else re.escape(word)
        for word in words
    ]
    return re.compile("|".join(patterns), re.IGNORECASE)


def find_differences(entries: Entries) -> Iterator[FaqFinding]:
    """Yield an error for every term that an entry has in one language only."""
    first, *others = locales.LANGUAGES
    for entry_id in entries.ids:
        entry = entries.get(entry_id, first)
        for language in others:
            other = entries.get(entry_id, language)
            if entry is not None and other is not None:
                yield from _compare_terms(entry, other)
                yield from _compare_terms(other, entry)
                yield from _compare_emphasis(entry, other)
    for language in others:
        yield from _compare_lengths(entries, first, language)


def _compare_terms(entry: Entry, other: Entry) -> Iterator[FaqFinding]:
    """Yield an error for every term that only `entry` has, in its answer or at all."""
    others_terms = load_terms(other.language)
    for term, words in load_terms(entry.language).items():
        for of in (_answer, _whole):
            found = words.search(_own_words(of(entry)))
            if found is None or others_terms[term].search(_own_words(of(other))):
                continue
            path = locales.folder(entry.language, "faq") / f"{entry.id}.md"
            where = "the answer" if of is _answer else "the entry"
            yield FaqFinding(
                path,
                find_line(path, found[0], after="# "),
                f"{where} has {found[0]!r} here and no word for {term} in {other.language}",
                f"Say the same here and in {other.language}/faq/{entry.id}.md",
            )
            break


def _compare_emphasis(entry: Entry, other: Entry) -> Iterator[FaqFinding]:
    """Yield an error where the short answers put different numbers of things in bold."""
    for mode, answer in entry.answers.items():
        counts = [len(_BOLD.findall(each.short)) for each in (answer, other.answers[mode])]
        if counts[0] != counts[1]:
            path = locales.folder(other.language, "faq") / f"{other.id}.md"
            yield FaqFinding(
                path,
                find_line(path, "# ", after="# "),
                f"the answer has {counts[1]} parts in bold, but {counts[0]} in {entry.language}",
                "Say the same in both, with the same in bold; a sentence may be missing",
            )
            return


def _compare_lengths(entries: Entries, first: str, language: str) -> Iterator[FaqFinding]:
    """Yield a warning for answers whose length does not fit the other language."""
    factors = {
        entry.id: len(_beginning(other)) / max(1, len(_beginning(entry)))
        for entry in entries.all(first)
        if (other := entries.get(entry.id, language)) is not None
    }
    if len(factors) < _FEWEST_ENTRIES:
        return
    usual = median(factors.values())
    for entry_id, factor in factors.items():
        if not _LIKE_OTHERS[0] <= factor / usual <= _LIKE_OTHERS[1]:
            is_shorter = factor < usual
            short, long = (language, first) if is_shorter else (first, language)
            path = locales.folder(short, "faq") / f"{entry_id}.md"
            yield FaqFinding(
                path,
                find_line(path, "# ", after="# "),
                f"the answer says less than in {long}, compared with other entries",
                "Compare the two; a sentence may be missing",
                is_warning=True,
            )


def _beginning(entry: Entry) -> str:
    """Return the answer up to its first heading, in guide mode."""
    return entry.answers[Mode.GUIDE].short.split("\n## ", 1)[0]


def _own_words(text: str) -> str:
    """Return a text without addresses and without what the site says."""
    return _MENU.sub(" ", _QUOTE.sub(" ", _LINK.sub(" ", text)))


def _whole(entry: Entry) -> str:
    return f"{entry.title}\n{entry.body}"


def _answer(entry: Entry) -> str:
    return f"{entry.title}\n{_beginning(entry)}"
