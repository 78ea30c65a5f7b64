"""Features of a text: its units, their ideas, and pairs of neighbours among both."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, pairwise

from services.faq.lexicon import Lexicon
from services.faq.spelling import Spelling
from services.faq.tokenisation import split_units, stem

_TERM_FREQUENCY = 3
"""A word of the lexicon counts like one that occurs in three phrasings."""


def _is_word(unit: str) -> bool:
    return "a" <= unit[0] <= "z"


class FeatureReader:
    """Extracts the features of a text.

    A feature is a unit (``pin``), two neighbouring units (``my pin``), an idea (``#FORGET``) or
    two ideas one or two places apart (``#FORGET#PIN``, in alphabetical order, since people use
    either order).
    """

    def __init__(self, texts: Iterable[Sequence[str]], terms: Mapping[str, Sequence[str]]) -> None:
        """Collect the words of `texts` (split into units) and the ideas of `terms`."""
        frequency = Counter(chain.from_iterable(texts))
        for unit in chain.from_iterable(split_units(" ".join(listed)) for listed in terms.values()):
            frequency[unit] += _TERM_FREQUENCY
        words = {unit: times for unit, times in frequency.items() if _is_word(unit)}
        self._stems = {word: stem(word) for word in words}
        self._spelling = Spelling({word: times for word, times in words.items() if times > 1})
        self._lexicon = Lexicon(terms)

    def _stem(self, word: str) -> str:
        return stem(self._spelling.correct(word)) if _is_word(word) else word

    def normalise(self, units: Iterable[str]) -> list[str]:
        """Return `units` with typing errors corrected and words reduced to their stems."""
        stems = self._stems
        return [unit if unit > "z" else stems.get(unit) or self._stem(unit) for unit in units]

    def features(self, units: Sequence[str]) -> set[str]:
        """Return the features of normalised units."""
        found = set(units)
        found.update([f"{one} {two}" for one, two in pairwise(units)])
        ideas = self._lexicon.ideas(units)
        found.update(["#" + idea for idea in ideas])
        for apart in (1, 2):
            found.update(
                [
                    f"#{one}#{two}" if one < two else f"#{two}#{one}"
                    for one, two in zip(ideas, ideas[apart:], strict=False)
                    if one != two
                ]
            )
        return found
