"""Features of a text: its units, their ideas, and pairs of neighbours among both.

Ideas come from the synonyms in ``lexicon.yaml``.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, pairwise
from pathlib import Path

import yaml

from services.faq.spelling import Spelling
from services.faq.tokenisation import split_units, stem

LEXICON_PATH = Path(__file__).with_name("lexicon.yaml")


class DuplicateTermError(Exception):
    """A term is listed under two headings, so that its meaning is ambiguous.

    :ivar ideas: the two headings.
    """

    def __init__(self, term: str, ideas: tuple[str, str]) -> None:
        super().__init__(f"{term!r} stands under both {ideas[0]} and {ideas[1]}")
        self.term = term
        self.ideas = ideas


class _Node(dict[str, "_Node"]):
    """Node of a trie: the units that may follow, and the ideas of the term that ends here."""

    __slots__ = ("ideas",)

    def __init__(self) -> None:
        super().__init__()
        self.ideas: tuple[str, ...] = ()


def load_lexicon(path: Path = LEXICON_PATH) -> Mapping[str, list[str]]:
    """Load the terms of each heading; a heading is one idea or several joined by `` + ``."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    terms: dict[str, list[str]] = yaml.load(path.read_bytes(), loader)  # noqa: S506 - both are safe
    return {heading: [str(term) for term in listed] for heading, listed in terms.items()}


class Lexicon:
    """Finds the ideas in a sequence of units; the longest term wins.

    :raises DuplicateTermError: for a term under two headings.
    """

    def __init__(
        self, terms: Mapping[str, Sequence[str]], stem_of: Callable[[str], str] = stem
    ) -> None:
        self._root = _Node()
        for heading, listed in terms.items():
            for term in listed:
                self._add(term, tuple(heading.split(" + ")), stem_of)

    def _add(self, term: str, ideas: tuple[str, ...], stem_of: Callable[[str], str]) -> None:
        node = self._root
        for unit in split_units(term):
            node = node.setdefault(stem_of(unit), _Node())
        if node.ideas and node.ideas != ideas:
            raise DuplicateTermError(term, (" + ".join(node.ideas), " + ".join(ideas)))
        node.ideas = ideas

    def ideas(self, units: Sequence[str]) -> list[str]:
        """Return the ideas of `units` in their order."""
        found: list[str] = []
        start, count = 0, len(units)
        while start < count:
            node = self._root.get(units[start])
            end = start = start + 1
            ideas: tuple[str, ...] = ()
            while node is not None:
                if node.ideas:
                    ideas, start = node.ideas, end
                node = node.get(units[end]) if end < count else None
                end += 1
            found += ideas
        return found


_TERM_FREQUENCY = 3
"""A word of the lexicon counts like one that occurs in three phrasings."""


def _is_word(unit: str) -> bool:
    return "a" <= unit[0] <= "z" and unit.isascii()


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
