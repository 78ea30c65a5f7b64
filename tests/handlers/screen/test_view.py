"""What a button carries comes back as it was, and nothing else is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.screen.view import decode_callback_data, encode_callback_data


@given(st.text(max_size=80))
def test_any_callback_data_is_read_or_refused(data: str) -> None:
    pressed = decode_callback_data(data)
    if pressed is not None:
        assert encode_callback_data(pressed.route, pressed.argument) == data


@pytest.mark.parametrize("parts", [["x" * 64], ["a:b"], ["統一"], ["a b"]])
def test_a_button_that_would_not_come_back_is_not_made(parts: list[str]) -> None:
    with pytest.raises(ValueError, match="callback data"):
        encode_callback_data("faq", *parts)
