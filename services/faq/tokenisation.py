"""Tokenisation of questions.

A unit is a word, a number, or one character of a script without spaces between words. Traditional
characters are folded to Simplified ones, which is never ambiguous (发 may be 發 or 髮, while both
of these are 发).
"""

import re
from functools import cache

import opencc

from services.formats.text_cleaning import normalize

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_LATIN = "[a-z\u00df-\u024f\u1e00-\u1eff]"
_UNIT = re.compile(
    rf"[\u3400-\u4dbf\u4e00-\u9fff]|0x|{_LATIN}+(?:'{_LATIN}+)?|[\u0370-\u052f]+|\d+|[^\W\d_]"
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
def _folding() -> dict[int, str]:
    """Translation table from Traditional to Simplified characters."""
    traditional = [chr(point) for point in range(0x4E00, 0xA000)]
    simplified = opencc.OpenCC("t2s").convert("\n".join(traditional)).split("\n")
    pairs = zip(traditional, simplified, strict=True)
    table = {ord(old): new for old, new in pairs if old != new and len(new) == 1}
    return table | {ord("’"): "'", ord("‘"): "'"}


def fold(text: str) -> str:
    """Return `text` with width, case and the two Chinese scripts unified."""
    return normalize(text).casefold().translate(_folding())


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
