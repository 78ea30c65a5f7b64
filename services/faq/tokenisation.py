"""Language detection and tokenisation of questions.

A unit is an English word, a number or one Han character. Traditional characters are folded to
Simplified ones, which is never ambiguous (发 may be 發 or 髮, while both of these are 发).
"""

import re
from functools import cache

import opencc

from services.formats.text_cleaning import normalize

MAX_CHARACTERS = 1000
"""The rest of a longer text is ignored."""

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_WORD = re.compile("[a-z]{2,}")
_UNIT = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|0x|[a-z]+(?:'[a-z]+)?|\d+")
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
_UNSHORTENED = {"ca": "can", "wo": "will"}
_ENGLISH_FRAME = re.compile(
    r"\b(?:a|an|the|i|my|me|you|is|are|am|was|do|does|did|can|could|to|of|for|on|in|with|and"
    r"|what|where|when|why|who|how|which|not|cannot|after|before|it|this|that)\b"
)
_CHINESE_FRAME = re.compile(
    "[的了嗎吗呢吧啊我你您他她是有不沒没怎麼么什哪這这那在要能會会把被跟還还都就也]"
)

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


def language_of(question: str) -> str:
    """Detect the language of a question by its function words.

    Han text makes it Chinese, also with English words in between ("PIN碼 locked"), unless it is
    quoted in an English sentence ("where is 取回用戶代碼").
    """
    head = normalize(question[:MAX_CHARACTERS]).lower()
    han = len(_HAN.findall(head))
    if not han:
        return "en"
    if not _ENGLISH_FRAME.search(head):
        return "zh_Hant"
    quoted = not _CHINESE_FRAME.search(head) or len(_WORD.findall(head)) > han
    return "en" if quoted else "zh_Hant"


def fold(text: str) -> str:
    """Return `text` with width, case and the two Chinese scripts unified."""
    return normalize(text).casefold().translate(_folding())


def split_units(text: str) -> list[str]:
    """Return the units of `text` in their order, folded but not stemmed.

    Any code such as ``0x76000006`` is the unit ``0x``; *cannot*, *can't* and *cant* are *can not*;
    courtesies are left out.
    """
    folded = _POLITE.sub(" ", _NEGATION.sub(_negation, fold(text)))
    if "0x" in folded:
        folded = _CODE.sub("0x ", folded)
    return _UNIT.findall(folded)


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
