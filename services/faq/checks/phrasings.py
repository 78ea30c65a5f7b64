"""Phrasings that belong to two entries, or lead to another entry than their own."""

from collections.abc import Iterator
from pathlib import Path

import locales
from services.faq.checks.findings import FaqFinding
from services.faq.entries import PHRASINGS_SUFFIX, Entries, Entry, find_line
from services.faq.features import split_units
from services.faq.search import CONFIDENT_SCORE, FaqSearch


def find_shared(entries: Entries) -> Iterator[FaqFinding]:
    """Yield an error for every phrasing that reads like a phrasing of another entry."""
    owners: dict[str, tuple[Entry, str]] = {}
    for language in locales.LANGUAGES:
        for entry in entries.all(language):
            for phrasing in entry.phrasings:
                key = " ".join(split_units(phrasing))
                other, wording = owners.setdefault(key, (entry, phrasing))
                if other.id != entry.id:
                    path, line = locate(entry, phrasing)
                    owner = FaqFinding(*locate(other, wording), "", "").place
                    yield FaqFinding(
                        path,
                        line,
                        f"{phrasing!r} is a phrasing of {other.id} too ({owner})",
                        "Delete it from the entry that does not answer it",
                    )


def find_led_astray(
    entries: Entries, search: FaqSearch, *, every_one: bool = False
) -> Iterator[FaqFinding]:
    """Yield a warning for phrasings whose like are surely answered with another entry.

    Typed word for word it finds its own entry; a question that is nearly the same does not.

    :param every_one: whether also those are named that would be sure of their own entry, too.
    """
    for language in locales.LANGUAGES:
        for entry in entries.all(language):
            for phrasing in entry.phrasings:
                result = search.search(phrasing, len(entries.ids), use_exact_matches=False)
                if not result.confident or result.results[0].id == entry.id:
                    continue
                own = next(hit.score for hit in result.results if hit.id == entry.id)
                if every_one or own < CONFIDENT_SCORE:
                    yield FaqFinding(
                        *locate(entry, phrasing),
                        f"{phrasing!r} reads like a question for {result.results[0].id}",
                        "Move it there, or say what makes it different and add two more like it",
                        is_warning=True,
                    )


def locate(entry: Entry, phrasing: str) -> tuple[Path, int | None]:
    """Return the file of a phrasing and its line."""
    path = locales.folder(entry.language, "faq") / f"{entry.id}{PHRASINGS_SUFFIX}"
    return path, find_line(path, phrasing, is_whole=True)
