"""What people type to identify themselves."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.engine.model import InputRejectedError
from handlers.identity import input_parser
from services.formats import subscriber_code
from services.formats.subscriber_code import SubscriberCode
from tests import phrases

TODAY = date(2026, 3, 2)
NUMBER, CODE = "A900207177", "ngA2h345"


@pytest.mark.parametrize(
    "text",
    [
        "A900207177 ngA2h345",
        "ngA2h345 A900207177",
        "a900207177, ngA2h345",
        "Ａ９００２０７１７７　ｎｇＡ２ｈ３４５",
        "A900207177\nngA2h345",
        "UI No.: A900207177, subscriber code: ngA2h345",
        "my UI no is A900207177 and the code is ngA2h345",
        "統一證號A900207177，用戶代碼ngA2h345",
        "A9002 07177 ngA2 h345",
        "A 900207177 ngA2h345",
        "A900207177 \u200bngA2h345",
    ],
)
def test_number_and_code_are_read_in_any_order_and_dress(text: str) -> None:
    parsed = input_parser.parse_number_and_code(text)
    assert parsed is not None
    assert parsed.number is not None
    assert parsed.code is not None
    assert (parsed.number.reveal(), parsed.code.reveal()) == (NUMBER, CODE)


@pytest.mark.parametrize(
    "text",
    [
        "what is my code",
        "how much does the card cost",
        "windows10",
        "sha256",
        "0x76000006",
        "76000006",
        "pay by 15th",
        "我的卡掉了",
        "help",
        "activate",
        "0800080117",
        "?",
        "",
    ],
)
def test_what_is_no_answer_is_a_question_and_costs_nothing(text: str) -> None:
    assert input_parser.parse_number_and_code(text) is None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("A900207178", "typing mistake"),
        ("A123456789", "not the UI No."),
        ("A90020717", "10 characters"),
        ("A9002071771", "10 characters"),
        ("A900207178 ngA2h345", "typing mistake"),
        ("A900207177 ngA2h3O5", "never have 0"),
        ("aB3dE0xZ", "never have 0"),
        ("ngA2h", "6 to 10"),
        ("ngA2h345ng2", "6 to 10"),
        ("482913", "PIN"),
        ("A900207177 48291323", "PIN"),
    ],
)
def test_what_is_nearly_an_answer_is_refused_with_the_reason(text: str, word: str) -> None:
    with pytest.raises(InputRejectedError) as refused:
        input_parser.parse_number_and_code(text)
    assert word in refused.value.message


@pytest.mark.parametrize(
    "text", ["A900207177 1993-04-12", "1993-04-12 A900207177", "A900207177 82/4/12",
             "A900207177, born 12 April 1993", "A900207177 820412", "A900207177 民國82年4月12日"],
)  # fmt: skip
def test_number_and_birth_date_are_read_in_either_calendar(text: str) -> None:
    parsed = input_parser.parse_number_and_birth_date(text, TODAY)
    assert parsed is not None
    assert parsed.number is not None
    assert (parsed.number.reveal(), parsed.birth_date) == (NUMBER, date(1993, 4, 12))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("1993-02-30", phrases.NO_SUCH_DAY),
        ("04/05/1993", "day or month first"),
        ("2999-01-01", phrases.DAY_TO_COME),
        ("1799-01-01", "too long ago"),
    ],
)
def test_a_birth_date_that_cannot_be_is_refused(text: str, word: str) -> None:
    with pytest.raises(InputRejectedError) as refused:
        input_parser.parse_typed_birth_date(text, TODAY)
    assert word in refused.value.message


def test_card_numbers_and_one_time_codes() -> None:
    number = input_parser.parse_card_number("gp 1234-5678 9012 34")
    assert number is not None
    assert number.reveal() == "GP12345678901234"
    for wrong in ("GP1234567890123", "12345678901234", "GPX2345678901234"):
        with pytest.raises(InputRejectedError):
            input_parser.parse_card_number(wrong)
    assert input_parser.parse_card_number("where is it printed?") is None
    for text in ("123456", "123 456", "123-456", "１２３４５６", "the code is 123456"):
        code = input_parser.parse_one_time_code(text)
        assert code is not None
        assert code.reveal() == "123456"
    with pytest.raises(InputRejectedError):
        input_parser.parse_one_time_code("12345")
    assert input_parser.parse_one_time_code("no mail came") is None


@given(st.text(max_size=200))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    for read in (
        input_parser.parse_number_and_code,
        input_parser.parse_card_number,
        input_parser.parse_one_time_code,
        lambda typed: input_parser.parse_number_and_birth_date(typed, TODAY),
    ):
        with suppress(InputRejectedError):
            read(text)


@given(st.builds(SubscriberCode.generate))
def test_every_code_we_draw_is_read(code: subscriber_code.SubscriberCode) -> None:
    assert input_parser.parse_code(code.reveal()) == code


def test_a_code_that_chances_to_be_a_name_is_read() -> None:
    code = input_parser.parse_code("Edge2345")
    assert code is not None
    assert input_parser.parse_code("sha256") is None
