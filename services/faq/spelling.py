"""Correction of typing errors in English words, to the nearest word of the FAQ.

Two words are near if they become equal when one letter is dropped from each, or from one of them.
That covers a letter left out, added, mistaken or swapped with its neighbour. Every known word is
stored under its shortened forms, so a lookup takes a few dictionary reads.
"""

from collections.abc import Iterator, Mapping

_SHORTEST = 4
"""Shorter words are not corrected: too many of them are one letter apart."""


def _shortened(word: str) -> Iterator[str]:
    """Yield `word` without one letter; the first stays, since people rarely mistype it."""
    return (word[:place] + word[place + 1 :] for place in range(1, len(word)))


class Spelling:
    """Corrects words; of several near words the most frequent is chosen."""

    def __init__(self, frequency: Mapping[str, int]) -> None:
        self._rank = {
            word: rank
            for rank, word in enumerate(sorted(frequency, key=lambda w: (-frequency[w], w)))
            if len(word) >= _SHORTEST
        }
        self._near: dict[str, str] = {}
        for word in self._rank:
            for form in (word, *_shortened(word)):
                self._near.setdefault(form, word)

    def correct(self, word: str) -> str:
        """Return the known word nearest to `word`, or `word` itself."""
        if len(word) < _SHORTEST or word in self._rank:
            return word
        candidates = {
            near
            for form in (word, *_shortened(word))
            if (near := self._near.get(form)) and near[0] == word[0]
        }
        return min(candidates, key=self._rank.__getitem__, default=word)
