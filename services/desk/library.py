"""The answers that the staff can send: FAQ entries and canned answers, found by code and words."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import locales
from services.faq.canned import DETAIL, CannedAnswer, CannedAnswers, load_canned_answers
from services.faq.entries import Entries, Entry
from services.faq.features import fold
from services.faq.search import FaqSearch

MAX_LISTED = 6
"""Answers from which an agent chooses where a query finds several."""
_MAX_SUGGESTED = 3
_MIN_SCORE = 0.05
"""The score below which a hit is not suggested (docs/search.md)."""
_PERSON = "contact"
"""The answer for those who ask for a person; one has the ticket."""


@dataclass(frozen=True, slots=True, eq=False)
class LibraryAnswer:
    """An answer that the staff can send; compared by identity.

    :ivar id: that of an FAQ entry or of a canned answer; no two are alike.
    :ivar titles: by language; it can be sent in these.
    :ivar takes_detail: whether the agent has to add words to it.
    """

    id: str
    code: str
    titles: Mapping[str, str]
    takes_detail: bool

    def title(self, language: str) -> str:
        """Return the title in a language, or in another where it has none in it."""
        return self.titles.get(language) or next(iter(self.titles.values()))


@dataclass(frozen=True, slots=True)
class LibraryHits:
    """What a query finds.

    :ivar chosen: the answer that it means beyond doubt.
    :ivar detail: what the query adds to its code.
    :ivar listed: otherwise, the answers to choose from, the best first.
    """

    chosen: LibraryAnswer | None = None
    detail: str = ""
    listed: tuple[LibraryAnswer, ...] = ()


class AnswerLibrary:
    """All answers that the staff can send."""

    def __init__(self, entries: Entries, canned: CannedAnswers) -> None:
        faq = [entry for language in locales.LANGUAGES for entry in entries.all(language)]
        every: list[CannedAnswer | Entry] = [*canned.values(), *faq]
        titles: dict[str, dict[str, str]] = {}
        for each in every:
            titles.setdefault(each.id, {})[each.language] = each.title
        details = {each.id for each in canned.values() if DETAIL in each.variables}
        codes = {each.id: each.code for each in every}
        self.answers = tuple(
            LibraryAnswer(name, codes[name], titles[name], name in details) for name in titles
        )
        """The canned answers, then those of the FAQ in its order."""
        self._by_id = {each.id: each for each in self.answers}
        self._by_code = {each.code: each for each in self.answers}

    def get(self, answer_id: str) -> LibraryAnswer | None:
        """Return an answer; `None` where there is none by this id any longer."""
        return self._by_id.get(answer_id)

    def find(self, query: str, search: FaqSearch) -> LibraryHits:
        """Return what somebody means who types a query.

        A code, or the beginning of only one, means its answer. Everything else lists answers: by
        the beginning of their codes, then by their titles, then by what they are about.
        """
        typed = " ".join(query.split())
        code, _, detail = typed.partition(" ")
        exact = self._by_code.get(code.lower())
        if exact is not None and (exact.takes_detail or not detail):
            return LibraryHits(exact, detail)
        begun = [each for each in self.answers if each.code.startswith(code.lower())]
        if len(begun) == 1 and (begun[0].takes_detail or not detail):
            return LibraryHits(begun[0], detail)
        if not typed:
            return LibraryHits(listed=self.answers[:MAX_LISTED])
        folded = fold(typed)
        titled = [
            each
            for each in self.answers
            if any(folded in fold(title) for title in each.titles.values())
        ]
        about = self._find_about(typed, search, MAX_LISTED)
        begun = [] if detail else begun
        listed = dict.fromkeys([*begun, *titled, *about])
        return LibraryHits(listed=tuple(listed)[:MAX_LISTED])

    def suggest(self, text: str, search: FaqSearch) -> list[str]:
        """Return the ids of the answers that are likely to fit a subscriber's message."""
        found = [each.id for each in self._find_about(text, search, _MAX_SUGGESTED + 1)]
        if found[:1] == [_PERSON]:
            return []
        return [each for each in found if each != _PERSON][:_MAX_SUGGESTED]

    def _find_about(self, text: str, search: FaqSearch, limit: int) -> list[LibraryAnswer]:
        hits = search.search(text, limit).results
        found = (self._by_id.get(hit.id) for hit in hits if hit.score >= _MIN_SCORE)
        return [each for each in found if each is not None]


@lru_cache(maxsize=2)
def load_library(entries: Entries) -> AnswerLibrary:
    """Return the library with these entries; later calls return the same object."""
    return AnswerLibrary(entries, load_canned_answers())
