"""The classifier of the search."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import chain, count

import numpy as np
from numpy.typing import NDArray

from services.faq.features import is_pair_of_ideas

_SMOOTHING = 0.1
_MIN_COUNT = 3
"""A feature of one phrasing alone, which is learnt twice, describes it rather than its class."""
_UNKNOWN_WEIGHT = 3.0
"""The weight of a feature that no class has, such as the name of something new."""
_PAIR_WEIGHT = 0.6
"""Weight of a pair of ideas, both of which count by themselves already."""


class NaiveBayes:
    """Scores a set of features against every class; higher is likelier.

    All classes have the same prior probability: the number of phrasings of an entry says nothing
    about how often it is asked.

    :ivar names: the features that are scored.
    :ivar weights: logarithm of how common each of them is, by feature and class.
    """

    def __init__(self, names: Sequence[str], weights: NDArray[np.float32]) -> None:
        self.names = names
        self.weights = weights
        self._rows = {name: row for row, name in enumerate(names)}

    @classmethod
    def train(
        cls, samples: Sequence[Collection[str]], classes: Sequence[int], number_of_classes: int
    ) -> "NaiveBayes":
        """Learn from samples and the class of each."""
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
        smoothed = counts[frequent] + _SMOOTHING
        weights = np.log(smoothed / smoothed.sum(axis=0))
        kept = [names[number] for number in frequent.tolist()]
        weights[[is_pair_of_ideas(name) for name in kept]] *= _PAIR_WEIGHT
        return cls(kept, weights.astype(np.float32))

    def scores(self, features: Iterable[str]) -> NDArray[np.float32]:
        """Return the score of each class; unknown features are ignored."""
        rows = [row for feature in features if (row := self._rows.get(feature)) is not None]
        weights = self.weights[np.array(rows, dtype=np.intp)]
        total: NDArray[np.float32] = weights.sum(axis=0)
        return total

    def knows(self, feature: str) -> bool:
        """Whether `feature` was seen often enough to be scored."""
        return feature in self._rows

    def weigh(self, feature: str) -> float:
        """Return how much a feature tells of the class, in natural units of information."""
        row = self._rows.get(feature)
        if row is None:
            return _UNKNOWN_WEIGHT
        shares = np.exp(self.weights[row])
        shares /= shares.sum()
        return float(np.log(len(shares)) + (shares * np.log(shares)).sum())
