"""Features of a text: its units, their ideas, and pairs of neighbours among both.

A unit is a word, a number, or one character of a script without spaces between words. Traditional
characters are folded to Simplified ones, which is never ambiguous (发 may be 發 or 髮, while both
of these are 发). Ideas come from the synonyms in ``lexicon.yaml``.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import chain, pairwise

import opencc

from services.faq.spelling import Spelling
from services.formats.text_cleaning import normalize

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_LATIN = "[a-z\u00df-\u024f\u1e00-\u1eff]"
_MARK = (
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0903"
    "\u093a-\u093c\u093e-\u094f\u0981-\u0983\u09bc\u09be-\u09cd\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
    "\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u17b4-\u17d3]"
)
"""Vowel signs and accents, which `re` does not take for letters."""
_SPACED = "(?=[\u0370-\u0dff\u10a0-\u16ff])"
"""Scripts with spaces between words, besides Latin and Hangul (of which a syllable is a unit)."""
_UNIT = re.compile(
    rf"[\u3400-\u4dbf\u4e00-\u9fff]|0x|{_LATIN}+(?:'{_LATIN}+)?|\d+"
    rf"|(?:{_SPACED}(?:[^\W\d_]|{_MARK}))+|[^\W\d_]{_MARK}*"
)
_CODE = re.compile("0x[0-9a-f]+")
_VERBS = "do|does|did|is|are|was|were|have|has|had|could|would|should"
_NEGATION = re.compile(rf"\b(?:(can|will|{_VERBS}) ?not|(ca|wo|{_VERBS})n'?t)\b")
_POLITE = re.compile(
    r"\b(?:(?:hi|hello|hey)(?: there| all| everyone| team)?|good (?:morning|afternoon|evening)"
    r"|dear (?:sir|madam|team|all)|thank(?:s| you)(?: so much| very much| a lot| in advance)?|thx"
    r"|please|pls|plz|excuse me|sorry|okay|ok|(?:i have )?a? ?quick question|i have a question"
    r"|(?:can|may|could) i ask(?: you)?|(?:can|could|would) you (?:please )?tell me"
    r"|(?:can you |could you )?help me(?: to| with)?(?= (?!please|pls|plz|thank|someone)[a-z])"
    r"|i(?: want| need|(?:'d| would) like) to (?:know|ask))\b"
    "|[您你妳]好|哈[啰喽]|嗨|[早午晚]安|不好意思|打扰(?:一下|了)?|想?请[问教](?:一下)?"
    "|我?(?:想要?|要)问(?:一下)?的?是?|麻烦(?:[您你]了?|一下)|拜托"
    "|感谢[您你]?|感恩|谢谢?[您你]?|多谢|[您你]?辛苦了"
)
"""Courtesies, folded, which are dropped."""
_FOREIGN = r"(?:alien|foreign|foreigners?'?s?|arc|immigrants?'?|nia|moica|expats?'?)(?: ?card)?"
_RESIDENT = "(?:national|resident|citizen|spouse|worker|holder)"
_KIND = "(?:natural person|citizen digital|digital|electronic|smart card|ic card|e-?)"
_CERTIFICATE = "(?:certificate|certification|cert)"
_HAN_FOREIGN = (
    "(?:外来人口|外籍(?:人士|配偶|移工|人员|专业人才|生)?|外国(?:人|籍|专业人才)?|外侨|外人|新住民"
    "|移工|居留证|移民署|moica)"
)
_HAN_KIND = "(?:自然人|数[位字]|电子|ic)"
_OUR_CARD = re.compile(
    r"\b(?!alien (?:permanent )?residen(?:t|ce) (?:cert|card))"
    rf"(?:{_FOREIGN} ?{_RESIDENT}?'?s? ?){{1,2}}"
    rf"{_KIND}? ?(?:{_CERTIFICATE}|id card)(?: card)?\b"
    rf"|\b{_KIND} {_CERTIFICATE}(?: card)? for {_FOREIGN}(?: {_RESIDENT}s?)?\b"
    rf"|{_HAN_FOREIGN}[ 的]?(?:版|核发|发)?的?(?:外来人口)?{_HAN_KIND}?凭证的?(?:ic)?卡?"
    rf"|自然人凭证(?:ic)?卡? ?[(（]{_HAN_FOREIGN}[)）]"
)
"""Names of the alien citizen natural person certificate, folded."""
_UNSHORTENED = {"ca": "can", "wo": "will"}
_SUFFIXES: tuple[tuple[str, str], ...] = (
    ("ies", "y"),
    ("ied", "y"),
    ("ations", "at"),
    ("ation", "at"),
    ("ating", "at"),
    ("ated", "at"),
    ("ates", "at"),
    ("ate", "at"),
    ("ings", ""),
    ("ing", ""),
    ("sses", "ss"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("xes", "x"),
    ("ed", ""),
    ("s", ""),
)
_KEPT_ENDINGS = ("ss", "us", "is", "ee")
_SHORTEST_STEM = 3


@cache
def folding() -> dict[int, str]:
    """Translation table from Traditional to Simplified characters."""
    traditional = [chr(point) for point in range(0x4E00, 0xA000)]
    simplified = opencc.OpenCC("t2s").convert("\n".join(traditional)).split("\n")
    pairs = zip(traditional, simplified, strict=True)
    table = {ord(old): new for old, new in pairs if old != new and len(new) == 1}
    return table | {ord("’"): "'", ord("‘"): "'"}


def fold(text: str) -> str:
    """Return `text` with width, case and the two Chinese scripts unified."""
    return normalize(text).casefold().translate(folding())


def is_han(unit: str) -> bool:
    """Whether a unit is a Han character."""
    return _HAN.match(unit) is not None


def split_units(text: str) -> list[str]:
    """Return the units of `text` in their order, folded but not stemmed.

    Any code such as ``0x76000006`` is the unit ``0x``; *cannot*, *can't* and *cant* are *can not*;
    courtesies are left out.
    """
    folded = _OUR_CARD.sub(_card_name, _NEGATION.sub(_negation, fold(text)))
    folded = _POLITE.sub(" ", folded)
    if "0x" in folded:
        folded = _CODE.sub("0x ", folded)
    return _UNIT.findall(folded)


def _card_name(found: re.Match[str]) -> str:
    """Return the short name of the card, in the language of its name."""
    return "凭证" if _HAN.search(found[0]) else "certificate"


def _negation(found: re.Match[str]) -> str:
    """Return a negated auxiliary in two words."""
    verb = found[1] or found[2]
    return _UNSHORTENED.get(verb, verb) + " not"


def stem(word: str) -> str:
    """Return the part of an English word that its forms share (`activating` → `activat`)."""
    word = word.removesuffix("'s")
    if len(word) <= _SHORTEST_STEM or word.endswith(_KEPT_ENDINGS):
        return word
    for suffix, rest in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST_STEM:
            word = word[: -len(suffix)] + rest
            break
    return _trim(word)


def _trim(word: str) -> str:
    """Drop a silent *e* and a doubled consonant, which depend on the ending."""
    if len(word) > _SHORTEST_STEM + 1 and word.endswith("e"):
        word = word[:-1]
    if len(word) > _SHORTEST_STEM + 1 and word[-1] == word[-2] and word[-1] not in "sle":
        word = word[:-1]
    return word


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


def count_words(
    texts: Iterable[Sequence[str]], terms: Mapping[str, Sequence[str]]
) -> dict[str, int]:
    """Return how often each word occurs in texts (split into units) and in the lexicon."""
    frequency = Counter(chain.from_iterable(texts))
    for unit in chain.from_iterable(split_units(" ".join(listed)) for listed in terms.values()):
        frequency[unit] += _TERM_FREQUENCY
    return {unit: times for unit, times in frequency.items() if _is_word(unit)}


def is_pair_of_ideas(feature: str) -> bool:
    """Whether a feature is two ideas, rather than one or than words."""
    return feature.startswith("#") and feature.count("#") > 1


class FeatureReader:
    """Extracts the features of a text.

    A feature is a unit (``pin``), two neighbouring units (``my pin``), an idea (``#FORGET``) or
    two ideas one or two places apart (``#FORGET#PIN``, in alphabetical order, since people use
    either order).
    """

    def __init__(self, words: Mapping[str, int], terms: Mapping[str, Sequence[str]]) -> None:
        """Take what `count_words` returns, and the terms of the lexicon."""
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
