"""Typing errors in English words, mended by the nearest word the FAQ knows.

Two words count as near when one letter dropped from each, or from one of them, makes them equal.
That covers a letter left out, put in, mistaken or swapped with its neighbour. Every known word
is kept under its shortened forms, so a look-up costs a few dictionary reads.
"""

from collections.abc import Iterator, Mapping

_SHORTEST = 4
"""Shorter words are left alone: too many of them are one letter apart."""


def _shortened(word: str) -> Iterator[str]:
    """Give `word` with one letter dropped; the first letter stays, people rarely miss it."""
    return (word[:place] + word[place + 1 :] for place in range(1, len(word)))


class Spelling:
    """Knows words and how often each is used; of two near words the more frequent is meant."""

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
        """Give the known word that `word` is meant to be, or `word` itself."""
        if len(word) < _SHORTEST or word in self._rank:
            return word
        candidates = {
            near
            for form in (word, *_shortened(word))
            if (near := self._near.get(form)) and near[0] == word[0]
        }
        return min(candidates, key=self._rank.__getitem__, default=word)
