"""Which FAQ entry answers a question, and whether it surely does.

The method and how it was chosen are described in ``docs/search.md``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import locales
from services.faq import error_codes, lexicon
from services.faq.bayes import NaiveBayes
from services.faq.entries import Entries
from services.faq.features import FeatureReader
from services.faq.text import MAX_CHARACTERS, language_of, split

OFF_TOPIC_PATH = Path(__file__).with_name("off_topic.tsv")
TROUBLES_PATH = Path(__file__).with_name("troubles.txt")
ERROR_CODE_ENTRY = "error-code"

_CONFIDENT_LEAD = 4.5
"""The lead over "off topic" that makes an answer confident; docs/search.md shows its choice."""
_CONFIDENT_SCORE = 0.5
_STRANGE_UNIT = 4.0
"""How much a word that no phrasing and no background question uses speaks for "off topic"."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One entry that may answer, with a score from 0 to 1."""

    id: str
    score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What the search says to a question; the best hit comes first.

    :ivar is_trouble: whether somebody complains without saying of what ("my card does not work").
    """

    query: str
    language: str
    confident: bool
    results: tuple[Hit, ...]
    is_trouble: bool = False

    def as_json(self) -> dict[str, object]:
        """Give the answer as the object that ``kaika faq search --json`` prints."""
        return {
            "query": self.query,
            "language": self.language,
            "confident": self.confident,
            "results": [{"id": hit.id, "score": hit.score} for hit in self.results],
        }


def off_topic_questions() -> list[str]:
    """Give the background: questions that no entry answers."""
    rows = OFF_TOPIC_PATH.read_text(encoding="utf-8").splitlines()
    return [row.split("\t")[1] for row in rows]


def troubles() -> list[str]:
    """Give complaints that do not tell which entry answers them."""
    return TROUBLES_PATH.read_text(encoding="utf-8").splitlines()


class Search:
    """Finds entries for questions, in memory. Every phrasing of every language is learnt from."""

    def __init__(self, entries: Entries) -> None:
        self._ids = entries.ids
        texts, classes = self._samples(entries)
        units = [split(text) for text in texts]
        self._reader = FeatureReader(units, lexicon.read())
        samples = [self._reader.features(self._reader.mend(text)) for text in units]
        self._model = NaiveBayes(samples, classes, len(self._ids) + 2)
        self._word_for_word = {" ".join(text): n for text, n in zip(units, classes, strict=True)}

    def _samples(self, entries: Entries) -> tuple[list[str], list[int]]:
        """Give every text to learn from and its class; the last two are off topic, and trouble."""
        texts: list[str] = []
        classes: list[int] = []
        for number, entry_id in enumerate(self._ids):
            for language in locales.LANGUAGES:
                if entry := entries.get(entry_id, language):
                    learnt = (entry.title, *entry.phrasings)
                    texts += learnt
                    classes += [number] * len(learnt)
        for number, further in enumerate((off_topic_questions(), troubles()), len(self._ids)):
            texts += further
            classes += [number] * len(further)
        return texts, classes

    def search(self, question: str, limit: int = 3) -> Answer:
        """Give the entries that answer `question` best, at most `limit` of them."""
        units = split(question[:MAX_CHARACTERS])
        hits, is_trouble = self._rank(units, limit + 1) if units else ([], False)
        certain = self._certain(question, units)
        if certain is not None:
            is_trouble = certain == len(self._ids) + 1
        if certain is not None and certain < len(self._ids):
            surely = self._ids[certain]
            hits = [Hit(surely, 1.0), *(hit for hit in hits if hit.id != surely)]
        confident = bool(hits) and hits[0].score >= _CONFIDENT_SCORE and not is_trouble
        shown = tuple(hits[: max(limit, 0)])
        return Answer(question, language_of(question), confident, shown, is_trouble)

    def _rank(self, units: Sequence[str], count: int) -> tuple[list[Hit], bool]:
        """Give the likeliest entries, best first, and whether trouble is likelier than any."""
        mended = self._reader.mend(units)
        features = self._reader.features(mended)
        scores = self._model.scores(features)
        strange = sum(not self._model.knows(unit) for unit in set(mended))
        background = scores[-2] + _STRANGE_UNIT * strange
        leads = (scores[:-2] - background) / math.sqrt(len(features) + 1)
        best = np.argsort(-leads, kind="stable")[: max(count, 0)].tolist()
        is_trouble = bool(scores[-1] > max(scores[:-2].max(), background))
        return [Hit(self._ids[number], _score(float(leads[number]))) for number in best], is_trouble

    def _certain(self, question: str, units: Sequence[str]) -> int | None:
        """Give the class that needs no ranking: a code was quoted, or a sample word for word."""
        if _quotes_known_code(question):
            return self._ids.index(ERROR_CODE_ENTRY)
        return self._word_for_word.get(" ".join(units))


def _quotes_known_code(question: str) -> bool:
    return any(
        error_codes.explain(code, locales.DEFAULT) for code in error_codes.find_codes(question)
    )


def _score(lead: float) -> float:
    """Give a lead as a number from 0 to 1 that is a half where confidence begins."""
    return round(1 / (1 + math.exp(min(50.0, _CONFIDENT_LEAD - lead))), 3)
