"""Synonyms (``lexicon.yaml``) and the ideas they stand for."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import yaml

from services.faq.tokenisation import split_units, stem

PATH = Path(__file__).with_name("lexicon.yaml")


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


def load_lexicon(path: Path = PATH) -> Mapping[str, list[str]]:
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
