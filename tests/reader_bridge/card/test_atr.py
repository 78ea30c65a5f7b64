"""The answer to reset, of real cards and of nonsense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader_bridge.card.atr import historical_bytes, supports_extended_length


@pytest.mark.parametrize(
    ("atr", "history"),
    [
        ("3bb813008131fa5243 48544d4f494341a5", b"CHTMOICA"),
        ("3bd8960081b1fe451f07 434854 47504b494add", b"CHTGPKIJ"),
        ("3b80800101", b""),
        ("3b02 1450", b"\x14\x50"),
    ],
)
def test_historical_bytes_are_found(atr: str, history: bytes) -> None:
    assert historical_bytes(bytes.fromhex(atr)) == history


@pytest.mark.parametrize("atr", ["", "3b", "3bff", "0000", "3b8f80", "3b" + "ff" * 40])
def test_a_broken_answer_to_reset_has_none(atr: str) -> None:
    assert historical_bytes(bytes.fromhex(atr)) == b""


@given(st.binary(max_size=40))
def test_nothing_breaks_it(atr: bytes) -> None:
    assert len(historical_bytes(atr)) <= 15
    assert supports_extended_length(atr) in (True, False)


@pytest.mark.parametrize(
    ("atr", "extended"),
    [
        ("3b8b018073c001c0554b61696b6164", True),
        ("3b84018073c0018034", False),
        ("3b80800101", False),
        ("3bf81800008131fe450073c84013900092", False),
        ("3bfd1300008131fe158073c021c057597562694b657940", True),
    ],
)
def test_extended_length_is_what_the_card_says(atr: str, extended: bool) -> None:
    assert supports_extended_length(bytes.fromhex(atr)) is extended
