"""The language in which somebody writes, whether we speak it or not.

Scripts tell most languages apart. Languages in Latin letters are told apart by their function
words, and Vietnamese by its letters too. A language is named as its folder in `locales` would be.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

import locales
from services.formats.text_cleaning import normalize

ENGLISH, CHINESE = "en", "zh_Hant"
UNDETERMINED = "und"
"""ISO 639-2 code of a language that is not known here, but is neither English nor Chinese."""
MAX_CHARACTERS = 1000
"""The rest of a longer text is ignored."""

_SCRIPTS = {
    "THAI": "th",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "CYRILLIC": "ru",
    "MYANMAR": "my",
    "KHMER": "km",
    "LAO": "lo",
    "DEVANAGARI": "hi",
    "BENGALI": "bn",
    "ARABIC": "ar",
    "MONGOLIAN": "mn",
}
"""Languages by the script that `unicodedata.name` begins with."""
_DECORATION = frozenset("のノ")
"""Kana that people in Taiwan write in the middle of Chinese."""

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_OTHER_SCRIPT = re.compile("[\u0370-\u1dff\u2c00-\u2dff\u3040-\u30ff\u3131-\u318e\ua4d0-\ud7ff]")
_LATIN_WORD = re.compile("[a-z\u00df-\u024f\u1e00-\u1eff]{2,}")
_ENGLISH_WORD = re.compile("[a-z]+")
_VIETNAMESE = re.compile("[ăđơư\u1ea0-\u1ef9]")
_CHINESE_FRAME = re.compile(
    "[的了嗎吗呢吧啊我你您他她是有不沒没怎麼么什哪這这那在要能會会把被跟還还都就也]"
)
_WORDS_PATH = Path(__file__).with_name("function_words.yaml")
_MIN_SHARE = 0.34
"""Share of a text's words that have to be function words of a language without English ones."""


@cache
def function_words() -> Mapping[str, frozenset[str]]:
    """Load the words that tell languages in Latin letters apart, by the language.

    A language may add its own in ``locales/<language>/search/function_words.txt``.
    """
    listed: dict[str, str] = yaml.safe_load(_WORDS_PATH.read_text(encoding="utf-8"))
    words = {language: set(text.split()) for language, text in listed.items()}
    for language in locales.LANGUAGES:
        path = locales.folder(language, "search") / "function_words.txt"
        if path.exists():
            words.setdefault(language, set()).update(path.read_text(encoding="utf-8").split())
    return {language: frozenset(found) for language, found in words.items()}


def detect_language(text: str) -> str:
    """Detect the language of a text; one without words counts as English.

    Han text makes it Chinese, also with English words in between ("PIN碼 locked"), unless it is
    quoted in an English sentence ("where is 取回用戶代碼"). The same holds for other scripts.
    """
    head = normalize(text[:MAX_CHARACTERS]).lower()
    words = _LATIN_WORD.findall(head)
    is_english_sentence = any(
        word in function_words()[ENGLISH] for word in _ENGLISH_WORD.findall(head)
    )
    han = len(_HAN.findall(head))
    other, letters = _language_of_script(head)
    if letters and not (is_english_sentence and len(words) > letters / 2):
        return other
    if han:
        if not is_english_sentence:
            return CHINESE
        is_quoted = not _CHINESE_FRAME.search(head) or len(words) > han
        return ENGLISH if is_quoted else CHINESE
    return _language_of_words(words)


def is_in_other_script(text: str) -> bool:
    """Whether a text is in a script that is neither Latin nor Chinese."""
    return detect_language(text) in {*_SCRIPTS.values(), UNDETERMINED}


def _language_of_script(text: str) -> tuple[str, int]:
    """Return the language of the letters that are neither Latin nor Han, and their number."""
    letters = [c for c in _OTHER_SCRIPT.findall(text) if c.isalpha() and c not in _DECORATION]
    scripts = Counter(unicodedata.name(c, "").split(" ")[0] for c in letters)
    most_common = scripts.most_common(1)
    language = _SCRIPTS.get(most_common[0][0], UNDETERMINED) if most_common else UNDETERMINED
    return language, len(letters)


def _language_of_words(words: list[str]) -> str:
    """Return the language of a text in Latin letters."""
    found = {name: sum(w in known for w in words) for name, known in function_words().items()}
    english = found.pop(ENGLISH)
    if sum(_VIETNAMESE.search(word) is not None for word in words) > english:
        return "vi"
    best = max(found, key=found.__getitem__)
    is_clear = found[best] > english and found[best] >= _MIN_SHARE * len(words)
    return best if is_clear else ENGLISH
