"""The UI No.: both formats, the checksum, and what people type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.formats import ui_number
from services.formats.errors import FormatError, FormatProblem
from services.formats.ui_number import UiNumber

VALID = [
    "A800000014",
    "A900207177",
    "A803095426",
    "B801300667",
    "A870000015",
    "A880000018",
    "A890000011",
    "AA00000009",
    "AB23456789",
    "AC03095424",
    "BD01300667",
]


@pytest.mark.parametrize("number", VALID)
def test_known_numbers_of_both_formats_are_valid(number: str) -> None:
    assert UiNumber.parse(number).reveal() == number


@pytest.mark.parametrize(
    "typed",
    [
        "a800000014",
        "Ａ８００００００１４",
        "ａ８００００００１４",
        " A8 0000 0014 ",
        "A80-000-0014",
        "A８0000\u200b0014",
    ],
)
def test_full_width_lower_case_and_spaces_are_mended(typed: str) -> None:
    assert UiNumber.parse(typed).reveal() == "A800000014"


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", FormatProblem.EMPTY),
        ("　 ", FormatProblem.EMPTY),
        ("A80000001", FormatProblem.LENGTH),
        ("A8000000140", FormatProblem.LENGTH),
        ("A700000014", FormatProblem.SHAPE),
        ("AE00000009", FormatProblem.SHAPE),
        ("1800000014", FormatProblem.SHAPE),
        ("A80000001O", FormatProblem.SHAPE),
        ("A800000000", FormatProblem.CHECKSUM),
        ("AA00000000", FormatProblem.CHECKSUM),
    ],
)
def test_bad_numbers_are_refused_with_the_reason(typed: str, reason: FormatProblem) -> None:
    with pytest.raises(FormatError) as refused:
        UiNumber.parse(typed)
    assert refused.value.reason is reason


@pytest.mark.parametrize("number", VALID)
def test_two_neighbours_swapped_are_noticed(number: str) -> None:
    for place in range(2, 8):
        first, second = number[place], number[place + 1]
        swapped = number[:place] + second + first + number[place + 2 :]
        assert first == second or ui_number.checksum(swapped) != 0


@given(st.text(max_size=20))
def test_any_text_is_a_number_or_a_reason(text: str) -> None:
    try:
        parsed = UiNumber.parse(text)
    except FormatError:
        return
    assert ui_number.checksum(parsed.reveal()) == 0


def test_a_number_does_not_show_itself() -> None:
    number = UiNumber.parse("A800000014")
    shown = f"{number} {number!r} {[number]} {number.mask()}"
    assert "A800000014" not in shown
    assert number.mask() == "A•••014"
