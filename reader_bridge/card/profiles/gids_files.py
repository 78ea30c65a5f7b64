"""The files on a GIDS card, as the Windows minidriver writes them and OpenSC reads them.

A *master file* names directory, file, and the data object each file is kept in; a *container map*
lists the keys; certificates are compressed. Numbers are little-endian.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reader_bridge.card.errors import MalformedResponseError

MASTER_FILE = (0xA000, 0xDF1F)
CARD_ID = (0xA012, 0xDF20)
"""Where the master file and the chip's serial are kept: file and data object."""
FIRST_KEY = 0x81
MAX_CONTAINERS = 16
MAX_CERTIFICATE_BYTES = 16_384
"""Unpacked."""

_MASTER_RECORD = struct.Struct("<9s9s2xii")
_CONTAINER_RECORD = struct.Struct("<80sBxHH")
_CONTAINER_VALID, _CONTAINER_DEFAULT = 0x01, 0x02
_COMPRESSED = b"\x01\x00"


@dataclass(frozen=True, slots=True)
class KeyContainer:
    """A key of the card.

    :ivar key_reference: the reference of the key in commands.
    :ivar bits: length of its modulus.
    :ivar certificate_file: the file its certificate is in.
    :ivar default: the one to use where nothing says otherwise.
    """

    key_reference: int
    bits: int
    certificate_file: str
    default: bool


def parse_master_file(content: bytes) -> dict[tuple[str, str], tuple[int, int]]:
    """Return file identifier and data object for each directory and name.

    :raises MalformedResponseError: the master file is of another version.
    """
    if not content or content[0] != 0x01:
        raise MalformedResponseError("version of master file")
    files: dict[tuple[str, str], tuple[int, int]] = {}
    for directory, name, data_object, file in _records(_MASTER_RECORD, content[1:]):
        where = (file & 0xFFFF, data_object & 0xFFFF)
        files.setdefault((_text(directory), _text(name)), where)
    return files


def parse_container_map(content: bytes) -> Iterator[KeyContainer]:
    """Yield the keys of the container map, the default one first."""
    records = list(_records(_CONTAINER_RECORD, content))[:MAX_CONTAINERS]
    found = []
    for index, (_, flags, signature_bits, exchange_bits) in enumerate(records):
        if not flags & _CONTAINER_VALID or not (signature_bits or exchange_bits):
            continue
        prefix = "ksc" if signature_bits else "kxc"
        found.append(
            KeyContainer(
                FIRST_KEY + index,
                signature_bits or exchange_bits,
                f"{prefix}{index:02X}",
                bool(flags & _CONTAINER_DEFAULT),
            )
        )
    yield from sorted(found, key=lambda container: not container.default)


def unpack_certificate(content: bytes) -> bytes:
    """Return the certificate of a file: two bytes of version, two of length, then zlib.

    :raises MalformedResponseError: it is packed in another way, or too long.
    """
    if content[:2] != _COMPRESSED or len(content) < 4:
        raise MalformedResponseError("packing of certificate")
    length = int.from_bytes(content[2:4], "little")
    try:
        unpacked = zlib.decompressobj().decompress(content[4:], MAX_CERTIFICATE_BYTES + 1)
    except zlib.error as error:
        raise MalformedResponseError("packing of certificate") from error
    if len(unpacked) != length or length > MAX_CERTIFICATE_BYTES:
        raise MalformedResponseError("length of certificate")
    return unpacked


def _records(layout: struct.Struct, content: bytes) -> Iterator[tuple[Any, ...]]:
    whole = len(content) // layout.size * layout.size
    yield from layout.iter_unpack(content[:whole])


def _text(padded: bytes) -> str:
    return padded.split(b"\0", 1)[0].decode("ascii", "replace")
