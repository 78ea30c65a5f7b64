"""Multinomial naive Bayes classifier."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import chain, count

import numpy as np
from numpy.typing import NDArray

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
