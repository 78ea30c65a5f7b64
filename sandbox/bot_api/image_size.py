"""Reads the size of a picture from its header."""

import struct

from sandbox.types import Json

_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


def read_image_size(content: bytes) -> Json | None:
    """Return width and height of a PNG, GIF or JPEG, or None for anything else."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
    elif content[:6] in (b"GIF87a", b"GIF89a") and len(content) >= 10:
        width, height = struct.unpack("<HH", content[6:10])
    elif content.startswith(b"\xff\xd8"):
        return _read_jpeg_size(content)
    else:
        return None
    return {"width": width, "height": height}


def _read_jpeg_size(content: bytes) -> Json | None:
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        kind, length = content[at + 1], struct.unpack(">H", content[at + 2 : at + 4])[0]
        if kind in _FRAMES:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return {"width": width, "height": height}
        at += 2 + length
    return None
