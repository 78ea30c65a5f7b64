"""Error codes, however they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import locales
from services.faq.entries import Entries
from services.faq.error_codes import (
    ErrorCodeKind,
    SoftwareErrorCode,
    explain_code,
    find_codes,
    load_table,
)

KNOWN = sorted(load_table("en").items())


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("0x76000006", [0x76000006]),
        ("0X7600000d", [0x7600000D]),
        ("7600000D", [0x7600000D]),
        ("錯誤代碼：76000006", [0x76000006]),
        ("ret_code=1979711501", [0x7600000D]),
        ("code-1979711501", [0x7600000D]),
        ("1984954370是什麼", [0x76500002]),
        ("last_error:-2147483647", [0x80000001]),
        ("last_error −2147483646", [0x80000002]),
        ("2147483649", [0x80000001]),
        ("０ｘ７６１００００３", [0x76100003]),
        ("error76000006", [0x76000006]),
        ("0xA4", [0xA4]),
        ("0x000000a4", [0xA4]),
        ("last_error A4", [0xA4]),
        ("last error = 164", [0xA4]),
        ("LAST_ERROR:0xA0", [0xA0]),
        ("跳出2201", [2201]),
        ("錯誤 3102，要更新嗎", [3102]),
        ("first 0x76100003 then 2202, then 0x76100003 again", [0x76100003, 2202]),
        ("0x12345678", [0x12345678]),
    ],
)
def test_a_code_is_found_however_it_is_written(text: str, codes: list[int]) -> None:
    assert find_codes(text) == codes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a4",
        "160",
        "164",
        "I pay NT$2700",
        "2700元",
        "0800-080-117",
        "2,201 people",
        "A800000014",
        "GP12345678901234",
        "12345678",
        "deadbeef",
        "1979711502999",
        "0x1234",
        "0x760000061",
        "15 days, 278 dollars",
    ],
)
def test_other_numbers_are_no_codes(text: str) -> None:
    assert find_codes(text) == []


@pytest.mark.parametrize(("code", "row"), KNOWN, ids=[row.written for _, row in KNOWN])
def test_every_code_of_the_tables_is_found_and_explained(code: int, row: SoftwareErrorCode) -> None:
    assert find_codes(f"error {row.written}") == [code]
    for language in locales.LANGUAGES:
        explained = explain_code(code, language)
        assert explained is not None
        assert explained.meaning
        assert explained.advice


@pytest.mark.parametrize(("code", "row"), [(c, r) for c, r in KNOWN if c > 0xFFFF])
def test_a_long_code_is_found_in_each_of_its_forms(code: int, row: SoftwareErrorCode) -> None:
    signed = code - (1 << 32) if code >> 31 else code
    for written in (f"{code:08x}", f"{code:#010X}", str(code), str(signed)):
        assert find_codes(f"錯誤：{written}。") == [code]
    assert explain_code(signed, "en") == row


def test_an_unknown_code_has_no_explanation() -> None:
    assert explain_code(0x12345678, "en") is None


def test_both_languages_explain_the_same_codes_alike(entries: Entries) -> None:
    english, chinese = load_table("en"), load_table("zh_Hant")
    assert english.keys() == chinese.keys()
    for code, row in english.items():
        assert (row.kind, row.entry, row.uncertain) == (
            chinese[code].kind,
            chinese[code].entry,
            chinese[code].uncertain,
        )
        assert row.entry in entries.ids


def test_every_kind_of_value_is_in_the_tables() -> None:
    assert {row.kind for _, row in KNOWN} == set(ErrorCodeKind)


@given(st.text())
def test_looking_for_codes_never_fails(text: str) -> None:
    codes = find_codes(text)
    assert len(codes) == len(set(codes))


@given(st.integers(0, 0xFFFFFFFF))
def test_any_full_hex_code_is_seen_to_be_one(code: int) -> None:
    assert find_codes(f"it says 0x{code:08X} now") == [code]
