"""Search for the FAQ entry that answers a question.

The method and how it was chosen are described in ``docs/search.md``.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import locales
from services.faq import error_codes, features
from services.faq.entries import Entries
from services.faq.features import FeatureReader
from services.faq.tokenisation import MAX_CHARACTERS, language_of, split_units

_SMOOTHING = 0.05
_MIN_COUNT = 2
"""A feature seen only once describes one phrasing rather than its class."""


class NaiveBayes:
    """Scores a set of features against every class; higher is likelier.

    All classes have the same prior probability: the number of phrasings of an entry says nothing
    about how often it is asked.
    """

    def __init__(
        self, samples: Sequence[Collection[str]], classes: Sequence[int], number_of_classes: int
    ) -> None:
        numbers: defaultdict[str, int] = defaultdict(count().__next__)
        feature_numbers = np.array([numbers[name] for name in chain.from_iterable(samples)])
        class_numbers = np.repeat(classes, [len(features) for features in samples])
        shape = (len(numbers), number_of_classes)
        cells = np.bincount(
            feature_numbers * number_of_classes + class_numbers, minlength=shape[0] * shape[1]
        )
        counts = cells.reshape(shape)
        frequent = np.flatnonzero(counts.sum(axis=1) >= _MIN_COUNT)
        names = list(numbers)
        self._rows = {names[number]: row for row, number in enumerate(frequent.tolist())}
        smoothed = counts[frequent] + _SMOOTHING
        self._weights = np.log(smoothed / smoothed.sum(axis=0)).astype(np.float32)

    def scores(self, features: Iterable[str]) -> NDArray[np.float32]:
        """Return the score of each class; unknown features are ignored."""
        rows = [row for feature in features if (row := self._rows.get(feature)) is not None]
        weights = self._weights[np.array(rows, dtype=np.intp)]
        total: NDArray[np.float32] = weights.sum(axis=0)
        return total

    def knows(self, feature: str) -> bool:
        """Whether `feature` was seen often enough to be scored."""
        return feature in self._rows


OFF_TOPIC_PATH = Path(__file__).with_name("off_topic.tsv")
TROUBLES_PATH = Path(__file__).with_name("vague_complaints.txt")
ERROR_CODE_ENTRY = "error-code"

_CONFIDENT_LEAD = 4.5
"""The lead over "off topic" that makes an answer confident; docs/search.md shows its choice."""
_CONFIDENT_SCORE = 0.5
_UNKNOWN_UNIT = 4.0
"""Weight towards "off topic" of a word that no phrasing and no off-topic question uses."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """An entry with its score from 0 to 1."""

    id: str
    score: float


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Result of a search; the best hit comes first.

    :ivar is_trouble: a complaint without details ("my card does not work").
    """

    query: str
    language: str
    confident: bool
    results: tuple[SearchHit, ...]
    is_trouble: bool = False

    def as_json(self) -> dict[str, object]:
        """The object that ``kaika faq search --json`` prints."""
        return {
            "query": self.query,
            "language": self.language,
            "confident": self.confident,
            "results": [{"id": hit.id, "score": hit.score} for hit in self.results],
        }


def load_off_topic_questions() -> list[str]:
    """Load questions that no entry answers."""
    rows = OFF_TOPIC_PATH.read_text(encoding="utf-8").splitlines()
    return [row.split("\t")[1] for row in rows]


def load_vague_complaints() -> list[str]:
    """Load complaints that say too little to be answered by one entry."""
    return TROUBLES_PATH.read_text(encoding="utf-8").splitlines()


class FaqSearch:
    """Finds entries for questions, in memory; trained on every phrasing in every language."""

    def __init__(self, entries: Entries) -> None:
        self._ids = entries.ids
        texts, classes = self._samples(entries)
        units = [split_units(text) for text in texts]
        self._reader = FeatureReader(units, features.load_lexicon())
        samples = [self._reader.features(self._reader.normalise(text)) for text in units]
        self._model = NaiveBayes(samples, classes, len(self._ids) + 2)
        self._exact_matches = {" ".join(text): n for text, n in zip(units, classes, strict=True)}

    def _samples(self, entries: Entries) -> tuple[list[str], list[int]]:
        """Return the training texts and their classes; the last two are off topic and trouble."""
        texts: list[str] = []
        classes: list[int] = []
        for number, entry_id in enumerate(self._ids):
            for language in locales.LANGUAGES:
                if entry := entries.get(entry_id, language):
                    samples = (entry.title, *entry.phrasings)
                    texts += samples
                    classes += [number] * len(samples)
        for number, further in enumerate(
            (load_off_topic_questions(), load_vague_complaints()), len(self._ids)
        ):
            texts += further
            classes += [number] * len(further)
        return texts, classes

    def search(self, question: str, limit: int = 3) -> SearchResult:
        """Return the entries that answer `question` best, at most `limit` of them."""
        units = split_units(question[:MAX_CHARACTERS])
        hits, is_trouble = self._rank(units, limit + 1) if units else ([], False)
        exact = self._find_exact(question, units)
        if exact is not None:
            is_trouble = exact == len(self._ids) + 1
        if exact is not None and exact < len(self._ids):
            entry_id = self._ids[exact]
            hits = [SearchHit(entry_id, 1.0), *(hit for hit in hits if hit.id != entry_id)]
        confident = bool(hits) and hits[0].score >= _CONFIDENT_SCORE and not is_trouble
        shown = tuple(hits[: max(limit, 0)])
        return SearchResult(question, language_of(question), confident, shown, is_trouble)

    def _rank(self, units: Sequence[str], count: int) -> tuple[list[SearchHit], bool]:
        """Return the likeliest entries, best first, and whether trouble is likelier than any."""
        normalised = self._reader.normalise(units)
        features = self._reader.features(normalised)
        scores = self._model.scores(features)
        unknown = sum(not self._model.knows(unit) for unit in set(normalised))
        background = scores[-2] + _UNKNOWN_UNIT * unknown
        leads = (scores[:-2] - background) / math.sqrt(len(features) + 1)
        best = np.argsort(-leads, kind="stable")[: max(count, 0)].tolist()
        is_trouble = bool(scores[-1] > max(scores[:-2].max(), background))
        return [
            SearchHit(self._ids[number], _score(float(leads[number]))) for number in best
        ], is_trouble

    def _find_exact(self, question: str, units: Sequence[str]) -> int | None:
        """Return the class of a question that quotes an error code or equals a training text."""
        if _quotes_known_code(question):
            return self._ids.index(ERROR_CODE_ENTRY)
        return self._exact_matches.get(" ".join(units))


def _quotes_known_code(question: str) -> bool:
    return any(
        error_codes.explain_code(code, locales.DEFAULT) for code in error_codes.find_codes(question)
    )


def _score(lead: float) -> float:
    """Map a lead to a score from 0 to 1, which is 0.5 at the threshold of confidence."""
    return round(1 / (1 + math.exp(min(50.0, _CONFIDENT_LEAD - lead))), 3)
