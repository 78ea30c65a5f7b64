"""What is typed stays in one place of memory, and is gone when it was handed over."""

from hypothesis import given
from hypothesis import strategies as st

from reader_bridge.app.translation import mask_card_number, sanitise
from reader_bridge.app.typing_buffer import MAX_LENGTH, TypingBuffer


def typed(text: bytes) -> TypingBuffer:
    line = TypingBuffer()
    for byte in text:
        line.append(byte)
    return line


def test_what_was_typed_is_handed_over_once() -> None:
    line = typed(b"first123")
    with line.take() as secret:
        assert bytes(secret) == b"first123"
    assert bytes(secret) == bytes(8)
    assert len(line) == 0
    assert bytes(line.take()) == b""


def test_a_byte_that_is_taken_back_is_overwritten() -> None:
    line = typed(b"ab")
    assert line.delete_last()
    assert ord("b") not in line._buffer
    assert bytes(line.take()) == b"a"
    assert not line.delete_last()


def test_the_place_never_moves() -> None:
    line = TypingBuffer()
    with memoryview(line._buffer):  # a bytearray that is looked at cannot be resized
        for byte in b"x" * (MAX_LENGTH + 10):
            line.append(byte)
        line.clear()


def test_more_than_fits_is_not_taken() -> None:
    line = typed(b"x" * MAX_LENGTH)
    assert not line.append(0x41)
    assert len(line) == MAX_LENGTH


@given(st.binary())
def test_only_plain_characters_are_taken(text: bytes) -> None:
    line = typed(text)
    assert line.has_non_ascii == any(byte >= 0x80 for byte in text)
    assert bytes(line.take()) == bytes(byte for byte in text if 0x20 <= byte <= 0x7E)[:MAX_LENGTH]


def test_text_of_others_cannot_steer_what_is_shown() -> None:
    assert sanitise("A\x1b[2Jb\u202ec\nd\u200be") == "A [2Jb c d e"
    assert sanitise("王" * 500) == "王" * 79 + "…"
    assert sanitise("") == ""


@given(st.text())
def test_a_card_number_is_never_shown_whole(number: str) -> None:
    assert mask_card_number("GP00000000123456") == "GP****3456"
    assert len(mask_card_number(number)) <= 80
