"""What a text says of the application form, which is needed for as long as there is a card."""

import re
from collections.abc import Mapping

from tests.bot_harness import plain

_END_OF_SENTENCE = re.compile(r"(?<=[.!?;])\s|(?<=[。！？；])|\n")
_KEEP: Mapping[str, re.Pattern[str]] = {
    "en": re.compile(
        r"\b(keep|store)\b.{0,40}\b(form|code|copy)\b|\b(form|code)\b.*\bkeep it\b", re.I
    ),
    "zh_Hant": re.compile(
        r"(申請書|代碼).*(保管|收好|留著|保留)|(保管|收好|留著|保留).*(申請書|代碼)"
    ),
}
_LET_GO: Mapping[str, re.Pattern[str]] = {
    "en": re.compile(r"\b(throw|shred|no longer need)\b.*\b(form|code)\b", re.I),
    "zh_Hant": re.compile(
        r"(申請書|代碼).*(丟掉|碎紙|不再需要)|(丟掉|碎紙|不再需要).*(申請書|代碼)"
    ),
}
_END: Mapping[str, re.Pattern[str]] = {
    "en": re.compile(r"\b(until|till|before)\b", re.I),
    "zh_Hant": re.compile(r"在[那此]之前|到時|為止|(開卡|收到)(之前|以前|前(?!後))"),
}
_LATER: Mapping[str, re.Pattern[str]] = {
    "en": re.compile(r"\b(suspend|unlock|after activation|back\b)", re.I),
    "zh_Hant": re.compile(r"停用|復用|解鎖|解碼|開卡之後|從此|從現在起"),
}


def tells_to_keep(text: str, language: str) -> bool:
    """Return whether a text tells people to keep the form, or the code on it."""
    return bool(_sentences(text, _KEEP[language]))


def lets_go(text: str, language: str) -> bool:
    """Return whether a text tells people to keep the form up to some moment, or to let it go."""
    keeping = _sentences(text, _KEEP[language])
    ends = any(_END[language].search(sentence) for sentence in keeping)
    return ends or bool(_sentences(text, _LET_GO[language]))


def says_why(text: str, language: str) -> bool:
    """Return whether a text names what the form is needed for once the card is active."""
    return _LATER[language].search(plain(text)) is not None


def stays_needed(text: str, language: str) -> bool:
    """Return whether a text tells people to keep the form, also once the card is active."""
    keeps, lets = tells_to_keep(text, language), lets_go(text, language)
    return keeps and says_why(text, language) and not lets


def _sentences(text: str, pattern: re.Pattern[str]) -> list[str]:
    return [s for s in _END_OF_SENTENCE.split(plain(text)) if pattern.search(s)]
