"""The buffer a PIN lives in."""

import copy
import pickle

import pytest

from reader_bridge.card.profiles.pin_card import concatenate_secrets
from reader_bridge.card.secret_buffer import SecretBuffer


def test_it_prints_as_dots_everywhere() -> None:
    pin = SecretBuffer(b"s3cret")
    assert {repr(pin), str(pin), f"{pin}", f"{pin!r}", "%s" % pin} == {"•••"}  # noqa: UP031
    assert f"{[pin]}" == "[•••]"


def test_it_is_overwritten_on_the_way_out_also_after_an_error() -> None:
    with pytest.raises(KeyError), SecretBuffer(b"s3cret") as pin:
        raise KeyError
    assert bytes(pin) == bytes(6)


def test_it_is_neither_pickled_nor_copied() -> None:
    pin = SecretBuffer(b"s3cret")
    with pytest.raises(TypeError):
        pickle.dumps(pin)
    with pytest.raises(TypeError):
        copy.copy(pin)


def test_parts_are_joined_in_one_buffer_that_does_not_last() -> None:
    with concatenate_secrets(bytearray(b"old"), b"\xff", bytearray(b"new")) as whole:
        assert bytes(whole) == b"old\xffnew"
    assert bytes(whole) == bytes(7)
