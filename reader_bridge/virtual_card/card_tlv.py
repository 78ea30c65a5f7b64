"""The part of BER-TLV that the virtual card needs."""


class MalformedDataError(Exception):
    """The data of a command is malformed."""


def encode_tlv(tag: int, value: bytes) -> bytes:
    """Encode a data object."""
    name = tag.to_bytes(2 if tag > 0xFF else 1, "big")
    size = len(value)
    if size < 0x80:
        return name + bytes((size,)) + value
    if size < 0x100:
        return name + bytes((0x81, size)) + value
    return name + b"\x82" + size.to_bytes(2, "big") + value


def decode_tlv(data: bytes) -> dict[int, bytes]:
    """Decode objects with one-byte tags and lengths below 256, which all commands here use.

    :raises MalformedDataError: for anything else.
    """
    found: dict[int, bytes] = {}
    while data:
        start = 2
        if len(data) < 2:
            raise MalformedDataError
        size = data[1]
        if size == 0x81 and len(data) > 2:
            size, start = data[2], 3
        elif size > 0x7F:
            raise MalformedDataError
        if start + size > len(data):
            raise MalformedDataError
        found[data[0]] = data[start : start + size]
        data = data[start + size :]
    return found
