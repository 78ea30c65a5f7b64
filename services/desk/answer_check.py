"""Answers of agents that are held back until an editor agrees.

Nobody of the staff ever needs a PIN or a subscriber code, and a link to an unknown site in an
official answer is what phishing looks like.
"""

import re
from collections.abc import Collection
from enum import StrEnum
from urllib.parse import urlsplit

from services.language_detection import CHINESE, ENGLISH, detect_language, is_in_other_script
from services.secret_detection import SecretDetector

_SECRETS = r"(?:pin(?:\s*code)?|subscriber code|password|PIN\s*碼|密碼|用戶代碼)"
_REQUESTS = r"(?:send|give|tell|write|type|provide|what(?:'s| is)|提供|告訴|給我|傳|寫|請問)"
_ASKS = re.compile(
    rf"{_REQUESTS}[^.。!！\n]{{0,40}}?{_SECRETS}"
    rf"|{_SECRETS}[^.。!！\n]{{0,10}}?(?:是什麼|是多少|給我|傳給|please\b)",
    re.IGNORECASE,
)
_WARNS = re.compile(r"never|not|n't|勿|不要|不必|不需|別", re.IGNORECASE)
_WARNING_REACH = 16
"""Characters before a match in which a word turns the request into a warning."""
_OFFICIAL = ".gov.tw"
_NO_WORDS = re.compile(r"https?://\S+|www\.\S+|(?<!\S)[^\s@]++@\S+|/\w+")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]{2,}")
_FEWEST_WORDS = 3
"""Latin words that make a text one in Latin letters; names such as MOICA stand in any script."""


class HoldReason(StrEnum):
    """Why an answer is held."""

    REVEALS = "reveals"
    """It contains something that looks like a PIN, a code or an identity number."""
    ASKS = "asks"
    """It asks for a PIN or a code."""
    LINK = "link"
    """It links to a site that no answer of ours names."""


def find_spoken(text: str) -> str | None:
    """Return the language of ours that a text is surely in; `None` where that is not clear."""
    plain = _NO_WORDS.sub(" ", text)
    found = detect_language(plain)
    if found == CHINESE:
        return CHINESE
    is_sentence = len(_LATIN_WORD.findall(plain)) >= _FEWEST_WORDS
    return ENGLISH if found == ENGLISH and is_sentence else None


def is_unreadable(text: str, language: str) -> bool:
    """Whether a text is in a script that somebody with this language may not read."""
    plain = _NO_WORDS.sub(" ", text)
    if language == CHINESE:
        is_foreign = is_in_other_script(plain) or len(_LATIN_WORD.findall(plain)) >= _FEWEST_WORDS
        return is_foreign and not _HAN.search(plain)
    return is_in_other_script(plain) or detect_language(plain) == CHINESE


def check_answer(
    text: str, links: Collection[str], detector: SecretDetector, known_hosts: Collection[str]
) -> HoldReason | None:
    """Return why an answer has to be held; `None` if it may go.

    :param links: the addresses in it.
    """
    if detector.find(text) is not None:
        return HoldReason.REVEALS
    for match in _ASKS.finditer(text):
        if not _WARNS.search(text[max(0, match.start() - _WARNING_REACH) : match.end()]):
            return HoldReason.ASKS
    for link in links:
        host = (urlsplit(link if "//" in link else f"https://{link}").hostname or "").lower()
        if host not in known_hosts and not host.endswith(_OFFICIAL):
            return HoldReason.LINK
    return None
