"""Questions without a confident answer, the alike together, with the entries nearest to them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.faq.search import FaqSearch, SearchHit
from services.storage.models import UnansweredQuestion

_ALIKE = 0.35
"""The share of what two questions say that both of them say, from which on they are alike.

Among the questions of tests/faq_questions/dev.tsv, of two that this puts together six in ten have
the same entry; much lower it puts together what has nothing in common.
"""
_NEAREST = 3


@dataclass(slots=True)
class QuestionGroup:
    """Questions in one language that ask about the same.

    :ivar questions: the most asked first.
    :ivar nearest: the entries that fit best, with the average of their scores.
    """

    language: str
    questions: list[UnansweredQuestion] = field(default_factory=list)
    nearest: tuple[SearchHit, ...] = ()

    @property
    def count(self) -> int:
        """How often they were asked."""
        return sum(question.count for question in self.questions)


def group_alike(asked: Sequence[UnansweredQuestion], search: FaqSearch) -> list[QuestionGroup]:
    """Return the questions that have no confident answer, in groups, the most asked first.

    :param asked: the most asked first; those that are answered by now are left out.
    """
    by_language: defaultdict[str, _Grouping] = defaultdict(lambda: _Grouping(search))
    for row in asked:
        result = search.search(row.question)
        if not (result.confident or result.is_trouble):
            by_language[row.language].add(row, result.results)
    groups = [group for grouping in by_language.values() for group in grouping.finish()]
    return sorted(groups, key=lambda group: -group.count)


class _Grouping:
    """The groups of one language; a question joins the one whose first question is most alike."""

    def __init__(self, search: FaqSearch) -> None:
        self._search = search
        self._groups: list[QuestionGroup] = []
        self._weights: list[float] = []
        self._scores: list[defaultdict[str, float]] = []
        self._having: defaultdict[str, list[int]] = defaultdict(list)
        """The groups whose first question has a feature."""

    def add(self, row: UnansweredQuestion, hits: Sequence[SearchHit]) -> None:
        """Put a question into its group."""
        features = self._search.weigh_features(row.question)
        number = self._find(features)
        if number is None:
            number = self._open(row.language, features)
        self._groups[number].questions.append(row)
        for hit in hits:
            self._scores[number][hit.id] += hit.score * row.count

    def _find(self, features: Mapping[str, float]) -> int | None:
        """Return the group whose first question is most alike; `None` where none is."""
        shared: defaultdict[int, float] = defaultdict(float)
        for name, weight in features.items():
            for number in self._having.get(name, ()):
                shared[number] += weight
        whole = sum(features.values())
        alike = {n: both / (whole + self._weights[n] - both) for n, both in shared.items()}
        best = max(alike, key=alike.__getitem__, default=None)
        return best if best is not None and alike[best] >= _ALIKE else None

    def _open(self, language: str, features: Mapping[str, float]) -> int:
        number = len(self._groups)
        self._groups.append(QuestionGroup(language))
        self._weights.append(sum(features.values()))
        self._scores.append(defaultdict(float))
        for name in features:
            self._having[name].append(number)
        return number

    def finish(self) -> list[QuestionGroup]:
        """Return the groups with the entries nearest to them."""
        for group, scores in zip(self._groups, self._scores, strict=True):
            group.nearest = tuple(
                SearchHit(entry_id, round(score / group.count, 3))
                for entry_id, score in sorted(scores.items(), key=lambda item: -item[1])[:_NEAREST]
            )
        return self._groups
