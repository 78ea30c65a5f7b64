"""Subscriber codes, one-time codes and card numbers."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.formats import subscriber_code
from services.formats.card_number import CardNumber
from services.formats.errors import FormatError, FormatProblem
from services.formats.hidden import Hidden
from services.formats.one_time_code import OneTimeCode
from services.formats.subscriber_code import SubscriberCode

ROOT = Path(__file__).parents[3]


def test_generated_codes_have_the_promised_shape() -> None:
    codes = [SubscriberCode.generate().reveal() for _ in range(2000)]
    assert len(set(codes)) == 2000
    assert all(len(code) == 8 for code in codes)
    assert not set("".join(codes)) & subscriber_code.LOOKALIKES
    assert all(any(map(str.isdigit, code)) and any(map(str.isalpha, code)) for code in codes)
    assert all(SubscriberCode.parse(code).reveal() == code for code in codes)


def test_no_code_is_generated_in_which_a_letter_may_be_taken_for_its_own_capital() -> None:
    alphabet = subscriber_code.LETTERS + subscriber_code.DIGITS
    assert len(set(alphabet)) == len(alphabet) == 48
    assert not [c for c in "ckosuvwxz" if {c, c.upper()} <= set(alphabet)]
    drawn = {c for _ in range(2000) for c in SubscriberCode.generate().reveal()}
    assert drawn == set(alphabet)


@pytest.mark.parametrize("code", ["SKKXyk4x", "cC5kKuUv", "wWzZ2345"])
def test_codes_of_before_stay_valid(code: str) -> None:
    assert SubscriberCode.parse(code).reveal() == code


def test_how_hard_a_code_is_to_guess_is_what_the_documents_say() -> None:
    letters, digits = len(subscriber_code.LETTERS), len(subscriber_code.DIGITS)
    length = subscriber_code.GENERATED_LENGTH
    codes = (letters + digits) ** length - letters**length - digits**length
    said = f"{math.log2(codes):.1f} bits"
    assert said in (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "typed", ["aB3dE5gH", "ａＢ３ｄＥ５ｇＨ", " aB3d E5gH\n", "aB3d\u200bE5gH"]
)
def test_a_code_keeps_its_capitals_and_loses_its_spaces(typed: str) -> None:
    assert SubscriberCode.parse(typed).reveal() == "aB3dE5gH"


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", FormatProblem.EMPTY),
        ("aB3dE", FormatProblem.LENGTH),
        ("aB3dE5gH7jK", FormatProblem.LENGTH),
        ("password", FormatProblem.ORDINARY_WORD),
        ("12345678", FormatProblem.ORDINARY_WORD),
        ("aB3dE5g!", FormatProblem.CHARACTERS),
        ("我的卡掉了", FormatProblem.CHARACTERS),
        ("aB3dE5g0", FormatProblem.LOOKALIKE),
        ("aB3dE5gl", FormatProblem.LOOKALIKE),
    ],
)
def test_what_cannot_be_a_code_is_told_apart(typed: str, reason: FormatProblem) -> None:
    with pytest.raises(FormatError) as refused:
        SubscriberCode.parse(typed)
    assert refused.value.reason is reason


@pytest.mark.parametrize("typed", ["123456", "１２３４５６", "123 456", "123-456"])
def test_one_time_codes_are_read(typed: str) -> None:
    assert OneTimeCode.parse(typed).reveal() == "123456"


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "12345a", "一二三四五六", "١٢٣٤٥٦"])
def test_other_text_is_no_one_time_code(typed: str) -> None:
    with pytest.raises(FormatError):
        OneTimeCode.parse(typed)


@pytest.mark.parametrize(
    "typed", ["GP12345678901234", "gp 1234-5678-9012-34", "ＧＰ１２３４５６７８９０１２３４"]
)
def test_card_numbers_are_read(typed: str) -> None:
    assert CardNumber.parse(typed).reveal() == "GP12345678901234"


@pytest.mark.parametrize("typed", ["", "GP1234567890123", "G112345678901234", "GP1234567890123X"])
def test_other_text_is_no_card_number(typed: str) -> None:
    with pytest.raises(FormatError):
        CardNumber.parse(typed)


@given(st.text(max_size=30))
def test_hidden_values_never_show(text: str) -> None:
    hidden = Hidden(text)
    assert f"{hidden!s} {hidden!r}" == "••• Hidden(•••)"
    assert hidden == Hidden(text)
    assert hidden.reveal() == text
