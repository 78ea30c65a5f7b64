"""BER-TLV as ISO/IEC 7816-4 uses it, bounded: what a card sends is hostile input.

Tags and definite lengths have at most three bytes, and no length exceeds its enclosure. Anything
else is a :class:`MalformedResponseError`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from reader_bridge.card.errors import MalformedResponseError

MAX_TAG_BYTES = 3
MAX_LENGTH_BYTES = 3
"""One announces how many follow; two that follow reach 65,535."""


@dataclass(frozen=True, slots=True)
class Tlv:
    """One data object."""

    tag: int
    value: bytes


def parse(data: bytes) -> Iterator[Tlv]:
    """Yield the data objects of one level, in their order.

    :raises MalformedResponseError: at the first that is malformed.
    """
    offset = 0
    while offset < len(data):
        if data[offset] == 0x00:
            offset += 1  # ISO/IEC 7816-4 §5.2.2.1: zeros between objects mean nothing
            continue
        tag, offset = _read_tag(data, offset)
        length, offset = _read_length(data, offset)
        if length > len(data) - offset:
            raise MalformedResponseError(f"length of tag {tag:X}")
        yield Tlv(tag, data[offset : offset + length])
        offset += length


def find(data: bytes, *path: int) -> bytes | None:
    """Return the value at a path of tags; `None` where there is none.

    Where a tag occurs twice, the first one counts.

    :raises MalformedResponseError: a level on the path is malformed.
    """
    value: bytes | None = data
    for wanted in path:
        if value is None:
            return None
        value = next((item.value for item in parse(value) if item.tag == wanted), None)
    return value


def require(data: bytes, *path: int) -> bytes:
    """Return the value at a path of tags.

    :raises MalformedResponseError: also where there is none.
    """
    value = find(data, *path)
    if value is None:
        raise MalformedResponseError("no tag " + "/".join(f"{tag:X}" for tag in path))
    return value


def encode(tag: int, value: bytes) -> bytes:
    """Encode a data object."""
    return _tag_bytes(tag) + encode_length(len(value)) + value


def encode_length(length: int) -> bytes:
    """Encode a definite length in its shortest form."""
    if length < 0x80:
        return bytes([length])
    if length <= 0xFF:
        return bytes([0x81, length])
    if length <= 0xFFFF:
        return b"\x82" + length.to_bytes(2, "big")
    raise ValueError("longer than a card's data object")


def _tag_bytes(tag: int) -> bytes:
    return tag.to_bytes(max(1, (tag.bit_length() + 7) // 8), "big")


def _read_tag(data: bytes, offset: int) -> tuple[int, int]:
    tag = data[offset]
    end = offset + 1
    if tag & 0x1F == 0x1F:
        while True:
            if end >= len(data) or end - offset >= MAX_TAG_BYTES:
                raise MalformedResponseError("tag")
            tag = tag << 8 | data[end]
            end += 1
            if not data[end - 1] & 0x80:
                break
    return tag, end


def _read_length(data: bytes, offset: int) -> tuple[int, int]:
    if offset >= len(data):
        raise MalformedResponseError("no length")
    first = data[offset]
    offset += 1
    if first < 0x80:
        return first, offset
    following = first & 0x7F
    if not 1 <= following < MAX_LENGTH_BYTES or offset + following > len(data):
        raise MalformedResponseError("form of length")
    return int.from_bytes(data[offset : offset + following], "big"), offset + following
