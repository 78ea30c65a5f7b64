"""Multinomial naive Bayes: how much each feature speaks for each class."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import chain, count

import numpy as np
from numpy.typing import NDArray

_SMOOTHING = 0.05
_FEWEST_SIGHTINGS = 2
"""A feature seen only once says more about one phrasing than about its class."""


class NaiveBayes:
    """Scores a set of features against every class; higher is likelier.

    All classes count as equally likely beforehand: how many phrasings an entry has says nothing
    about how often it is asked.
    """

    def __init__(
        self, samples: Sequence[Collection[str]], classes: Sequence[int], number_of_classes: int
    ) -> None:
        numbers: defaultdict[str, int] = defaultdict(count().__next__)
        seen = np.array([numbers[feature] for feature in chain.from_iterable(samples)])
        by_whom = np.repeat(classes, [len(features) for features in samples])
        shape = (len(numbers), number_of_classes)
        cells = np.bincount(seen * number_of_classes + by_whom, minlength=shape[0] * shape[1])
        counts = cells.reshape(shape)
        kept = np.flatnonzero(counts.sum(axis=1) >= _FEWEST_SIGHTINGS)
        names = list(numbers)
        self._rows = {names[number]: row for row, number in enumerate(kept.tolist())}
        smoothed = counts[kept] + _SMOOTHING
        self._weights = np.log(smoothed / smoothed.sum(axis=0)).astype(np.float32)

    def scores(self, features: Iterable[str]) -> NDArray[np.float32]:
        """Give the score of each class; features never seen say nothing."""
        rows = [row for feature in features if (row := self._rows.get(feature)) is not None]
        chosen = self._weights[np.array(rows, dtype=np.intp)]
        total: NDArray[np.float32] = chosen.sum(axis=0)
        return total

    def knows(self, feature: str) -> bool:
        """Say whether `feature` was seen often enough to mean something."""
        return feature in self._rows
