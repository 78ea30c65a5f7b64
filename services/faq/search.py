"""Search for the FAQ entry that answers a question.

The method and how it was chosen are described in ``docs/search.md``.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

import locales
from services.faq import error_codes, training_data
from services.faq.entries import Entries
from services.faq.features import FeatureReader, split_units
from services.faq.index import SearchIndex, learn
from services.language_detection import MAX_CHARACTERS, detect_language

ERROR_CODE_ENTRY = "error-code"

_CONFIDENT_LEAD = 3.2
"""The lead over the likeliest kind of off-topic question that makes an answer confident;
docs/search.md shows its choice."""
CONFIDENT_SCORE = 0.5
_CONFIDENT_MARGIN, _CONFIDENT_MARGIN_IN_CHINESE = 5.5, 8.0
"""The lead over the second entry, in natural logarithms, that makes an answer confident. It grows
with the number of features that say the same, of which characters make more than words do."""
_UNKNOWN_UNIT = 4.0
"""Weight towards off topic of a word that no phrasing and no off-topic question uses."""

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


class FaqSearch:
    """Finds entries for questions, in memory.

    :param index: what was learnt from the entries; it is learnt now where there is none.
    :ivar ids: the entries that it can find.
    :ivar fingerprint: hash of what it was learnt from.
    """

    def __init__(self, entries: Entries, index: SearchIndex | None = None) -> None:
        index = index or learn(entries)
        self.ids = index.ids
        self.fingerprint = index.fingerprint
        self._reader = FeatureReader(index.words, training_data.load_lexicon())
        self._model = index.model
        self._exact_matches = index.exact_matches

    def search(
        self, question: str, limit: int = 3, *, use_exact_matches: bool = True
    ) -> SearchResult:
        """Return the entries that answer `question` best, at most `limit` of them.

        :param use_exact_matches: whether a phrasing typed word for word surely finds its entry.
        """
        text = question[:MAX_CHARACTERS]
        units = split_units(text)
        ranking = self._rank_clauses(text, units, limit + 1)
        exact = self._find_exact(question, units) if use_exact_matches else None
        if exact is not None:
            ranking = self._put_first(exact, ranking)
        language = detect_language(question)
        is_chinese = locales.is_chinese(language)
        margin = _CONFIDENT_MARGIN_IN_CHINESE if is_chinese else _CONFIDENT_MARGIN
        is_sure = ranking.score >= CONFIDENT_SCORE and ranking.margin >= margin
        is_read = language in locales.LANGUAGES or _quotes_known_code(question)
        confident = is_sure and is_read and not ranking.is_trouble
        hits = tuple(ranking.hits[: max(limit, 0)])
        return SearchResult(question, language, confident, hits, ranking.is_trouble and is_read)

    def weigh_features(self, text: str) -> dict[str, float]:
        """Return units and ideas of a text, and how much each tells of what it is about."""
        normalised = self._reader.normalise(split_units(text[:MAX_CHARACTERS]))
        features = self._reader.features(normalised)
        single = (name for name in features if " " not in name and name.count("#") < 2)
        return {name: self._model.weigh(name) for name in single}

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
        of_entries, trouble = scores[: len(self.ids)], scores[len(self.ids)]
        background = scores[len(self.ids) + 1 :].max() + _UNKNOWN_UNIT * unknown
        leads = (of_entries - background) / math.sqrt(len(features) + 1)
        best = np.argsort(-leads, kind="stable").tolist()
        hits = [
            SearchHit(self.ids[number], _score(float(leads[number]))) for number in best[:count]
        ]
        margin = float(scores[best[0]] - scores[best[1]])
        return _Ranking(hits, margin, bool(trouble > max(scores[best[0]], background)))

    def _put_first(self, exact: int, ranking: _Ranking) -> _Ranking:
        """Return a ranking that begins with the class of an exact match, beyond doubt."""
        if exact >= len(self.ids):
            is_trouble = exact == len(self.ids)
            return _Ranking(ranking.hits, ranking.margin, is_trouble)
        entry_id = self.ids[exact]
        others = [hit for hit in ranking.hits if hit.id != entry_id]
        return _Ranking([SearchHit(entry_id, 1.0), *others], math.inf)

    def _find_exact(self, question: str, units: Sequence[str]) -> int | None:
        """Return the class of a question that quotes an error code or equals a training text."""
        if _quotes_known_code(question):
            return self.ids.index(ERROR_CODE_ENTRY)
        return self._exact_matches.get(" ".join(units))


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
