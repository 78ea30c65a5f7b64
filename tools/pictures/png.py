"""Small PNG files: a palette of the most frequent colours, and the hash of what was drawn.

What a PNG file is: https://www.w3.org/TR/png-3/
"""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS = 64
_INDEXED = 3
_SOURCE = b"Source\0"


def write_png(pixels: npt.NDArray[np.uint8], source: str) -> bytes:
    """Return a PNG file with a palette.

    :param pixels: rows of pixels of red, green and blue.
    :param source: the hash of the drawing.
    """
    height, width, _ = pixels.shape
    palette, indices = _reduce(pixels.reshape(-1, 3))
    rows = np.zeros((height, width + 1), np.uint8)  # each begins with filter 0, none
    rows[:, 1:] = indices.reshape(height, width)
    header = struct.pack(">IIBBBBB", width, height, 8, _INDEXED, 0, 0, 0)
    return b"".join((
        _SIGNATURE,
        _chunk(b"IHDR", header),
        _chunk(b"tEXt", _SOURCE + source.encode()),
        _chunk(b"PLTE", palette.tobytes()),
        _chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)),
        _chunk(b"IEND", b""),
    ))  # fmt: skip


def read_source(png: bytes) -> str | None:
    """Return the hash of the drawing that a PNG file was made of; `None` where it has none."""
    found = (content for kind, content in _chunks(png) if kind == b"tEXt")
    return next((each[len(_SOURCE) :].decode() for each in found if each.startswith(_SOURCE)), None)


def read_size(png: bytes) -> tuple[int, int]:
    """Return width and height in pixels."""
    _, header = next(_chunks(png))
    width, height = struct.unpack(">II", header[:8])
    return width, height


def _reduce(
    pixels: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return the most frequent colours, and for each pixel which of them is nearest."""
    packed = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    found, where, counts = np.unique(packed, return_inverse=True, return_counts=True)
    colours = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1).astype(np.int32)
    palette = colours[np.argsort(counts)[::-1][:_COLOURS]]
    distances = ((colours[:, None, :] - palette[None, :, :]) ** 2).sum(axis=2)
    nearest = distances.argmin(axis=1).astype(np.uint8)
    return palette.astype(np.uint8), nearest[where]


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += length + 12
