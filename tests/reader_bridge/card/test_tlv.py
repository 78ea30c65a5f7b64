"""BER-TLV: what is well formed comes through, anything else is refused within its bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader_bridge.card import tlv
from reader_bridge.card.errors import MalformedResponseError
from reader_bridge.card.tlv import Tlv

TAGS = st.sampled_from([0x4F, 0x53, 0x61, 0x7C, 0x5C, 0x9F17, 0x7F49, 0x7F71, 0xDF20, 0x5FC105])


@given(st.lists(st.tuples(TAGS, st.binary(max_size=400))))
def test_what_is_written_is_read(objects: list[tuple[int, bytes]]) -> None:
    data = b"".join(tlv.encode(tag, value) for tag, value in objects)
    assert list(tlv.parse(data)) == [Tlv(tag, value) for tag, value in objects]


@given(st.binary(max_size=300))
def test_nonsense_is_refused_or_read_within_itself(data: bytes) -> None:
    try:
        found = list(tlv.parse(data))
    except MalformedResponseError:
        return
    assert sum(2 + len(item.value) for item in found) <= len(data)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("53", "a tag and nothing else"),
        ("5305aabb", "a length beyond the end"),
        ("5380aabb0000", "an indefinite length"),
        ("538400000001aa", "a length of four bytes"),
        ("5383000001aa", "a length of three bytes"),
        ("5382ff", "half a length"),
        ("5382ffffaa", "a huge length"),
        ("1f", "half a tag"),
        ("1fffffff01aa", "a tag without an end"),
        ("5f81818101aa", "a tag of four bytes"),
    ],
)
def test_what_is_malformed_is_refused(data: str, why: str) -> None:
    with pytest.raises(MalformedResponseError):
        list(tlv.parse(bytes.fromhex(data)))


def test_zeros_between_objects_mean_nothing() -> None:
    found = list(tlv.parse(bytes.fromhex("00004f01aa0000730100")))
    assert found == [Tlv(0x4F, b"\xaa"), Tlv(0x73, b"\0")]


def test_a_path_is_followed_and_the_first_of_two_counts() -> None:
    data = bytes.fromhex("610a4f01aa4f01bb7302ccdd")
    assert tlv.find(data, 0x61, 0x4F) == b"\xaa"
    assert tlv.find(data, 0x61, 0x4E) is None
    assert tlv.find(data, 0x62, 0x4F) is None


def test_a_missing_object_can_be_an_error() -> None:
    with pytest.raises(MalformedResponseError) as missing:
        tlv.require(b"\x61\x00", 0x61, 0x7F49)
    assert missing.value.what == "no tag 61/7F49"


@pytest.mark.parametrize(("length", "written"), [(127, "7f"), (128, "8180"), (256, "820100")])
def test_lengths_are_written_in_their_shortest_form(length: int, written: str) -> None:
    assert tlv.encode_length(length).hex() == written


def test_a_length_no_card_could_have_is_not_written() -> None:
    with pytest.raises(ValueError, match="longer"):
        tlv.encode_length(0x10000)
