"""Detection of secrets and identity numbers in a text, so that it can be deleted unread.

Shapes after docs/facts.md §3: subscriber code 用戶代碼 6–10 characters, PIN 6–8, UI No. 統一證號,
IC card number IC卡卡號. Error codes, ordinary words and product names are none of these. A wrongly
deleted question is a nuisance, so a token in a sentence counts only if words such as "my PIN is"
lead to it or its letters look random; a token alone on a line counts without that.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum

from services.formats.text_cleaning import strip_invisible


class SecretShape(StrEnum):
    """Kind of a detected secret."""

    UI_NUMBER = "ui_number"
    CARD_NUMBER = "card_number"
    PAYMENT_CARD = "payment_card"
    CODE_OR_PIN = "code_or_pin"


_UI_NUMBER = re.compile(r"(?<![A-Z0-9])[A-Z][ -]?[A-D1289](?:[ -]?\d){8}(?![A-Z0-9])", re.I)
_CARD_NUMBER = re.compile(r"(?<![A-Z0-9])[A-Z]{2}(?:[ -]?\d){14}(?![A-Z0-9])", re.I)
_LONG_NUMBER = re.compile(r"(?<![A-Z0-9])\d(?:[ -]?\d){12,18}(?![A-Z0-9])", re.I)
_NO_SECRET = re.compile(
    r"(?:NT)?\$ ?[\d,.]+|https?://\S+|www\.\S+|(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)+|/\w+@\w+"
)
_TOKEN = re.compile(r"[A-Za-z0-9!@#$%^&*_+?~-]{6,}")
_OPENING = "\"'「『(（<"
_LONE = re.compile(r"([!-~]{6,10}?)[\"'」』)）>.。,，:：!！]*+")
_HEX_CODE = re.compile(r"0x[0-9a-f]+|(?:7600|7610|7621|7650|8[0-3][01]0)[0-9a-f]{4}", re.I)
_PHONE = re.compile(r"0800\d{6}|09\d{8}")
_WORD_AND_NUMBER = re.compile(r"([A-Za-z]+)[-_]?(\d{0,4})([A-Za-z]{0,3})")
_MODEL = re.compile(
    r"acr\d{2,4}[a-z]{0,2}(?:-[a-z]\d)?|ez(?:mini|usb)?\d{0,3}p?u?|(?:scr|cloud)\d{3,4}[a-z]?(?:v\d)?"
    r"|utrust\d{4}|win(?:dows)?\d{1,2}(?:pro|home|edu|ent|se)?|(?:mac|ipad|i)os\d{1,2}"
    r"|(?:galaxy|pixel|redmi)[a-z]?\d{1,3}(?:pro|plus|ultra|fe|[a-z])?(?:max)?|kb\d{7}"
    r"|i[3579]-\d{4,5}[a-z]{0,2}\d?|x86_64|pkcs#?\d{1,2}",
    re.I,
)
"""Models of readers, phones and processors, and systems with their edition."""
_VERSION = re.compile(r"[a-z]{0,8}[-_]?v?\d{1,3}(?:\.\d{1,3}){1,3}", re.I)
"""A number of a version, with the name of a program before it."""
_CAPITALS = re.compile(r"[A-Z]+")
_DIGIT_INSIDE = re.compile(r"[A-Za-z]\d+[A-Za-z]")
_CUE_WORD = re.compile(
    r"(?:(?<![a-z])(?:code|pin|password|passcode|passwd|pwd)(?![a-z])|代碼|代码|密碼|密码|碼|码)",
    re.I,
)
_CUE = re.compile(
    _CUE_WORD.pattern + r"(?:\s*+(?:碼|码|code|number|號|号))?"
    r"[\s\"'「『(（]*+(?:is|was|:|：|=|是|為|为|叫|，|,|->)?[\s\"'「『(（]*+$",
    re.I,
)
_ERROR_CUE = re.compile(r"error|last_error|ret_code|錯誤|错误|訊息|报错|報錯", re.I)
_CUE_REACH = 40
"""Characters before a token that are searched for a cue."""

_PRODUCTS = frozenset(
    {
        "windows",
        "macos",
        "chrome",
        "firefox",
        "safari",
        "edge",
        "iphone",
        "ipad",
        "android",
        "ubuntu",
        "debian",
        "office",
        "covid",
        "ez100pu",
        "sha256",
        "pkcs11",
        "java",
        "python",
        "excel",
        "word",
        "airpods",
        "galaxy",
        "pixel",
        "huawei",
        "xiaomi",
        "oppo",
        "vivo",
        "asus",
        "acer",
        "lenovo",
        "playstation",
        "intel",
        "ryzen",
        "core",
        "hicos",
        "hipki",
    }
)


class SecretDetector:
    """Detects secrets by their shape.

    :param vocabulary: ordinary words, in any case.
    :param is_error_code: predicate for the error codes that people quote.
    """

    def __init__(self, vocabulary: Iterable[str], is_error_code: Callable[[str], bool]) -> None:
        self._words = _PRODUCTS | {word.casefold() for word in vocabulary}
        self._is_error_code = is_error_code

    def find(self, text: str) -> SecretShape | None:
        """Return the kind of the first secret in `text`, or `None`."""
        plain = _NO_SECRET.sub(" ", strip_invisible(text))
        if _UI_NUMBER.search(plain):
            return SecretShape.UI_NUMBER
        if _CARD_NUMBER.search(plain):
            return SecretShape.CARD_NUMBER
        if any(_passes_luhn(match) for match in _LONG_NUMBER.findall(plain)):
            return SecretShape.PAYMENT_CARD
        if any(map(self._is_lone_secret, plain.splitlines())) or self._in_sentence(plain):
            return SecretShape.CODE_OR_PIN
        return None

    def _is_lone_secret(self, line: str) -> bool:
        match = _LONE.fullmatch(line.strip().lstrip(_OPENING))
        return match is not None and self._is_candidate(match[1])

    def _in_sentence(self, plain: str) -> bool:
        about_one = _CUE_WORD.search(plain) is not None and _ERROR_CUE.search(plain) is None
        return any(
            self._is_candidate(token)
            and (_looks_random(token) or _follows_cue(before) or (about_one and _is_mixed(token)))
            for token, before in _tokens(plain)
            if len(token) <= 10
        )

    def _is_candidate(self, token: str) -> bool:
        """Whether a token of 6–10 characters could be a code or PIN at all."""
        if self._is_error_code(token):
            return False
        if token.startswith(("/", "#", "@")) or self._is_ordinary(token):
            return False
        digits = sum(c.isdigit() for c in token)
        letters = sum(c.isalpha() for c in token)
        if letters == 0:
            return digits == len(token)
        return digits > 0 or _count_capital_runs(token) >= 2

    def _is_ordinary(self, token: str) -> bool:
        return token.casefold() in self._words or is_known_name(token)


def is_known_name(token: str) -> bool:
    """Whether a token is a product name, a version, an error code or a phone number."""
    if any(shape.fullmatch(token) for shape in (_HEX_CODE, _PHONE, _MODEL, _VERSION)):
        return True
    parts = _WORD_AND_NUMBER.fullmatch(token)
    return token.casefold() in _PRODUCTS or (parts is not None and parts[1].casefold() in _PRODUCTS)


def _tokens(plain: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(plain):
        yield match[0].strip("?!=-_+~"), plain[max(0, match.start() - _CUE_REACH) : match.start()]


def _follows_cue(before: str) -> bool:
    return _CUE.search(before) is not None and _ERROR_CUE.search(before) is None


def _looks_random(token: str) -> bool:
    """Whether a token mixes letters, digits and cases as no word does."""
    mixed_case = token != token.lower() and token != token.upper()
    has_digit = any(c.isdigit() for c in token)
    return (has_digit and (mixed_case or _DIGIT_INSIDE.search(token) is not None)) or (
        token.isalpha() and _count_capital_runs(token) >= 3
    )


def _is_mixed(token: str) -> bool:
    """Whether a token has letters and at least two digits."""
    return any(c.isalpha() for c in token) and sum(c.isdigit() for c in token) >= 2


def _count_capital_runs(token: str) -> int:
    """Count the runs of capitals inside a token: 1 in ``iPhone``, 3 in ``kTmQzRwp``."""
    inside = token[1:]
    if inside == inside.upper() or inside == inside.lower():
        return 0
    return len(_CAPITALS.findall(inside))


def _passes_luhn(number: str) -> bool:
    digits = [int(c) for c in number if c.isdigit()]
    doubled = [
        d if i % 2 == 0 else (d * 2 - 9 if d > 4 else d * 2) for i, d in enumerate(reversed(digits))
    ]
    return sum(doubled) % 10 == 0
