"""Parsers of what people type to verify themselves: UI No. (統一證號), code, birth date and more.

A parser returns what it found and `None` for a text that is something else, such as a question. It
raises `InputRejectedError` for a text that is meant as the value but cannot be it. No attempt is
spent here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from handlers.engine.model import InputRejectedError
from handlers.screen.text import N_
from services.formats import subscriber_code
from services.formats.card_number import CardNumber
from services.formats.dates import parse_birth_date
from services.formats.errors import FormatError, FormatProblem
from services.formats.one_time_code import OneTimeCode
from services.formats.subscriber_code import SubscriberCode
from services.formats.text_cleaning import compact, compact_identifier, strip_invisible
from services.formats.ui_number import UiNumber
from services.secret_detection import is_known_name

_NUMBER = re.compile(r"(?<![A-Z0-9])[A-Z][ -]?[A-D0-9](?:[ -]?\d){8}(?![A-Z0-9])", re.I)
_NEARLY_A_NUMBER = re.compile(r"[A-Z]{1,2}\d{7,10}")
_LABELS = re.compile(
    r"(?<![A-Za-z0-9])(?:my|the|is|and|are|ui|no|number|arc|subscriber|code|birth(?:day|date)?|"
    r"date|of|born|on)(?![A-Za-z0-9])|統一證號|居留證號碼?|用戶代碼|用户代码|代碼|代码|生日|出生(?:日期)?|"
    r"我的|[是為为和,，、;；:：=\"'「」『』()（）]",
    re.I,
)
_WORD = re.compile(r"[a-z]{3,}")
_NEARLY_A_CARD_NUMBER = re.compile(r"[A-Z]{0,3}\d{11,17}|[A-Z0-9]{16}")
_CODE_LIKE = range(5, 13)

_NUMBER_REFUSED: Mapping[FormatProblem, str] = {
    FormatProblem.LENGTH: N_(
        "A UI No. (統一證號) has 10 characters: one letter and nine digits, or two letters and "
        "eight digits. Please check it and type it again. This did not use up an attempt."
    ),
    FormatProblem.SHAPE: N_(
        "This is not the UI No. of a foreign resident: the second character must be 8, 9 or "
        "A–D. Please check it. This did not use up an attempt."
    ),
    FormatProblem.CHECKSUM: N_(
        "This UI No. has a typing mistake: the last digit doesn't match. Please type it again. "
        "This did not use up an attempt."
    ),
}
_CODE_REFUSED: Mapping[FormatProblem, str] = {
    FormatProblem.LOOKALIKE: N_(
        "Our codes never have 0, O, o, 1, l or I, so one character was misread. Please check "
        "the form and type it again. This did not use up an attempt."
    ),
    FormatProblem.LENGTH: N_(
        "A subscriber code (用戶代碼) has 6 to 10 letters and digits. Please type it again. This "
        "did not use up an attempt."
    ),
}
_ONLY_DIGITS = N_(
    "A subscriber code (用戶代碼) has letters and digits. <b>If that was your PIN: we will never "
    "ask for it in this chat.</b> Please type the subscriber code from your application form. "
    "This did not use up an attempt."
)
_CARD_REFUSED = N_(
    "An IC card number (IC卡卡號) has {card_number_shape}. Please type "
    "it again. This did not use up an attempt."
)
_ONE_TIME_REFUSED = N_(
    "The one-time code has six digits. Please type the one from the newest mail. This did not "
    "use up an attempt."
)
_BIRTH_REFUSED: Mapping[FormatProblem, str] = {
    FormatProblem.NO_SUCH_DAY: N_(
        "This date does not exist. Write the birth date like 1993-04-12 or 82/4/12. This did "
        "not use up an attempt."
    ),
    FormatProblem.AMBIGUOUS: N_(
        "Is it day or month first? Write the birth date with the year first, like 1993-04-12. "
        "This did not use up an attempt."
    ),
    FormatProblem.FUTURE: N_(
        "This date is in the future. Please type your birth date. This did not use up an attempt."
    ),
    FormatProblem.TOO_LONG_AGO: N_(
        "This date is too long ago. A year of up to three digits is read as a ROC year (民國). "
        "Write it like 1993-04-12. This did not use up an attempt."
    ),
}


@dataclass(frozen=True)
class IdentityInput:
    """The parts of an identity that were typed in one message."""

    number: UiNumber | None = None
    code: SubscriberCode | None = None
    birth_date: date | None = None


def parse_number_and_code(text: str) -> IdentityInput | None:
    """Parse a UI No., a subscriber code, or both in any order.

    :raises InputRejectedError: for a text that can be neither.
    """
    number, rest = _split_number(text)
    code = parse_code(rest) if rest else None
    return IdentityInput(number, code) if number or code else None


def parse_number_and_birth_date(text: str, today: date) -> IdentityInput | None:
    """Parse a UI No., a birth date, or both in any order.

    :raises InputRejectedError: for a text that can be neither.
    """
    number, rest = _split_number(text)
    birth_date = parse_typed_birth_date(rest, today) if rest else None
    return IdentityInput(number, birth_date=birth_date) if number or birth_date else None


def parse_code(text: str) -> SubscriberCode | None:
    """Parse a subscriber code; an ordinary word, a product's name and a sentence are none.

    :raises InputRejectedError: for a text that is meant as one.
    """
    plain = _LABELS.sub(" ", strip_invisible(text)).strip(" .。!！\n")
    if not _is_one_token(plain):
        return None
    token = compact(plain)
    has_our_length = len(token) == subscriber_code.GENERATED_LENGTH  # may equal a name by chance
    try:
        code = SubscriberCode.parse(token)
        return code if has_our_length or not is_known_name(token) else None
    except FormatError as error:
        if is_known_name(token) or not token.isascii():
            return None
        if token.isdigit() and len(token) in _CODE_LIKE:
            raise InputRejectedError(_ONLY_DIGITS) from None
        if error.reason in _CODE_REFUSED and _looks_like_code(token):
            raise InputRejectedError(_CODE_REFUSED[error.reason]) from None
        return None


def parse_card_number(text: str) -> CardNumber | None:
    """Parse an IC card number.

    :raises InputRejectedError: for a text that is meant as one.
    """
    token = compact_identifier(text)
    try:
        return CardNumber.parse(token)
    except FormatError:
        if _NEARLY_A_CARD_NUMBER.fullmatch(token):
            raise InputRejectedError(_CARD_REFUSED) from None
        return None


def parse_one_time_code(text: str) -> OneTimeCode | None:
    """Parse a one-time code, also in a sentence such as "it is 123 456".

    :raises InputRejectedError: for a text that is meant as one.
    """
    plain = _LABELS.sub(" ", strip_invisible(text)).strip(" .。!！\n")
    try:
        return OneTimeCode.parse(plain)
    except FormatError as error:
        digits = compact(plain).replace("-", "")
        if error.reason is FormatProblem.LENGTH and 4 <= len(digits) <= 8:
            raise InputRejectedError(_ONE_TIME_REFUSED) from None
        return None


def parse_typed_birth_date(text: str, today: date) -> date | None:
    """Parse a birth date of the Gregorian or the ROC calendar.

    :raises InputRejectedError: for a text that is meant as one.
    """
    try:
        return parse_birth_date(_LABELS.sub(" ", strip_invisible(text)).strip(), today)
    except FormatError as error:
        if error.reason in _BIRTH_REFUSED:
            raise InputRejectedError(_BIRTH_REFUSED[error.reason]) from None
        return None


def _split_number(text: str) -> tuple[UiNumber | None, str]:
    """Return the UI No. in a text, and the rest of the text.

    :raises InputRejectedError: for a text that is nearly a UI No.
    """
    plain = strip_invisible(text)
    match = _NUMBER.search(plain)
    try:
        if match:
            return UiNumber.parse(match[0]), f"{plain[: match.start()]} {plain[match.end() :]}"
        if _NEARLY_A_NUMBER.fullmatch(compact_identifier(_LABELS.sub(" ", plain))):
            UiNumber.parse(compact_identifier(plain))
    except FormatError as error:
        message = _NUMBER_REFUSED.get(error.reason, _NUMBER_REFUSED[FormatProblem.LENGTH])
        raise InputRejectedError(message) from None
    return None, plain


def _is_one_token(plain: str) -> bool:
    """Whether a text is one token, or one written in groups of the same size."""
    groups = plain.split()
    if len(groups) < 2:
        return bool(groups)
    sizes = {len(group) for group in groups}
    return len(sizes) == 1 and not any(_WORD.fullmatch(group) for group in groups)


def _looks_like_code(token: str) -> bool:
    """Whether a token mixes letters and digits in about the right length."""
    is_mixed = any(c.isdigit() for c in token) and any(c.isalpha() for c in token)
    return token.isalnum() and is_mixed and len(token) in _CODE_LIKE
