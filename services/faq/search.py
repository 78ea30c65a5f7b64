"""Search for the FAQ entry that answers a question.

The method and how it was chosen are described in ``docs/search.md``.
"""

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count, cycle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import locales
from services.faq import error_codes, features
from services.faq.entries import Entries
from services.faq.features import FeatureReader, is_han, split_units
from services.language_detection import MAX_CHARACTERS, detect_language

_SMOOTHING = 0.1
_MIN_COUNT = 3
"""A feature of one phrasing alone, which is learnt twice, describes it rather than its class."""


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
OPENINGS_PATH = Path(__file__).with_name("openings.txt")
TROUBLES_PATH = Path(__file__).with_name("vague_complaints.txt")
ERROR_CODE_ENTRY = "error-code"

_CONFIDENT_LEAD = 5.0
"""The lead over "off topic" that makes an answer confident; docs/search.md shows its choice."""
_CONFIDENT_SCORE = 0.5
_CONFIDENT_MARGIN = 7.0
"""The lead over the second entry, in natural logarithms, that makes an answer confident."""
_UNKNOWN_UNIT = 4.0
"""Weight towards "off topic" of a word that no phrasing and no off-topic question uses."""

_CLAUSE_END = re.compile(r"[.!?:;,。！？：；，…\n]")
_MAX_OPENING_CLAUSES = 6
_SHORTEST_CLAUSE = 3
"""Units of the shortest rest of a question that is searched by itself."""
_CLAUSE_GAIN = 0.05
"""How much higher the score of such a rest has to be than that of the whole question."""


@dataclass(frozen=True, slots=True)
class _Ranking:
    """The likeliest entries for a text.

    :ivar margin: the lead of the best over the second.
    :ivar is_trouble: whether a vague complaint is likelier than any entry.
    """

    hits: Sequence["SearchHit"] = ()
    margin: float = 0.0
    is_trouble: bool = False

    @property
    def score(self) -> float:
        """The score of the best hit."""
        return self.hits[0].score if self.hits else 0.0


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


def load_openings() -> list[str]:
    """Load what people say of themselves and of their card before they ask."""
    return OPENINGS_PATH.read_text(encoding="utf-8").splitlines()


class FaqSearch:
    """Finds entries for questions, in memory; trained on every phrasing in every language."""

    def __init__(self, entries: Entries) -> None:
        self._ids = entries.ids
        texts, classes = self._samples(entries)
        units = [split_units(text) for text in texts]
        openings = [split_units(text) for text in load_openings()]
        self._reader = FeatureReader([*units, *openings], features.load_lexicon())
        opened = _put_openings_before(units, openings)
        samples = [self._reader.features(self._reader.normalise(t)) for t in (*units, *opened)]
        self._model = NaiveBayes(samples, classes * 2, len(self._ids) + 2)
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
        text = question[:MAX_CHARACTERS]
        units = split_units(text)
        ranking = self._rank_clauses(text, units, limit + 1)
        exact = self._find_exact(question, units)
        if exact is not None:
            ranking = self._put_first(exact, ranking)
        language = detect_language(question)
        is_sure = ranking.score >= _CONFIDENT_SCORE and ranking.margin >= _CONFIDENT_MARGIN
        is_read = language in locales.LANGUAGES or _quotes_known_code(question)
        confident = is_sure and is_read and not ranking.is_trouble
        hits = tuple(ranking.hits[: max(limit, 0)])
        return SearchResult(question, language, confident, hits, ranking.is_trouble and is_read)

    def _rank_clauses(self, text: str, units: Sequence[str], count: int) -> _Ranking:
        """Rank entries for a text, or for what is left of it without its first clauses.

        People tell a story and then ask; a rest counts where it is clearer than the whole.
        """
        best = self._rank(units, count) if units else _Ranking()
        for rest in _rests(text):
            rest_units = split_units(rest)
            if len(rest_units) < _SHORTEST_CLAUSE or len(rest_units) == len(units):
                continue
            ranking = self._rank(rest_units, count)
            if ranking.score > best.score + _CLAUSE_GAIN:
                best = ranking
        return best

    def _rank(self, units: Sequence[str], count: int) -> _Ranking:
        """Rank the likeliest entries, at most `count` of them."""
        normalised = self._reader.normalise(units)
        features = self._reader.features(normalised)
        scores = self._model.scores(features)
        unknown = sum(not self._model.knows(unit) for unit in set(normalised))
        background = scores[-2] + _UNKNOWN_UNIT * unknown
        leads = (scores[:-2] - background) / math.sqrt(len(features) + 1)
        best = np.argsort(-leads, kind="stable").tolist()
        hits = [
            SearchHit(self._ids[number], _score(float(leads[number]))) for number in best[:count]
        ]
        margin = float(scores[best[0]] - scores[best[1]])
        return _Ranking(hits, margin, bool(scores[-1] > max(scores[best[0]], background)))

    def _put_first(self, exact: int, ranking: _Ranking) -> _Ranking:
        """Return a ranking that begins with the class of an exact match, beyond doubt."""
        if exact >= len(self._ids):
            is_trouble = exact == len(self._ids) + 1
            return _Ranking(ranking.hits, ranking.margin, is_trouble)
        entry_id = self._ids[exact]
        others = [hit for hit in ranking.hits if hit.id != entry_id]
        return _Ranking([SearchHit(entry_id, 1.0), *others], math.inf)

    def _find_exact(self, question: str, units: Sequence[str]) -> int | None:
        """Return the class of a question that quotes an error code or equals a training text."""
        if _quotes_known_code(question):
            return self._ids.index(ERROR_CODE_ENTRY)
        return self._exact_matches.get(" ".join(units))


def _put_openings_before(
    texts: Iterable[Sequence[str]], openings: Sequence[Sequence[str]]
) -> list[list[str]]:
    """Return every text with an opening in its language before it, each opening in turn.

    What is learnt with every class alike tells none from another.
    """
    han = cycle([units for units in openings if _is_chinese(units)])
    other = cycle([units for units in openings if not _is_chinese(units)])
    return [[*next(han if _is_chinese(units) else other), *units] for units in texts]


def _is_chinese(units: Sequence[str]) -> bool:
    return any(map(is_han, units))


def _rests(text: str) -> Iterator[str]:
    """Yield `text` without its first clause, its first two, and so on."""
    for number, end in enumerate(_CLAUSE_END.finditer(text)):
        if number == _MAX_OPENING_CLAUSES:
            return
        yield text[end.end() :]


def _quotes_known_code(question: str) -> bool:
    return any(
        error_codes.explain_code(code, locales.DEFAULT) for code in error_codes.find_codes(question)
    )


def _score(lead: float) -> float:
    """Map a lead to a score from 0 to 1, which is 0.5 at the threshold of confidence."""
    return round(1 / (1 + math.exp(min(50.0, _CONFIDENT_LEAD - lead))), 3)
