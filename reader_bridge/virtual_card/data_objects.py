"""The data objects of a GIDS card: its files, as the Windows minidriver writes them."""

import zlib
from collections.abc import Iterator

from reader_bridge.virtual_card.card_content import CardContainer, CardContent, ContainerKind

DIRECTORY, EVERYONE_READS, ADMIN_WRITES = 0xA000, 0xA010, 0xA012
"""Elementary files, each with an access rule of its own."""
FIRST_CERTIFICATE = 0xDF24
FIRST_KEY = 0x81
VALID, DEFAULT = 0x01, 0x02
SIGNS, DECRYPTS_TOO = 0x9C, 0x9A
_RSA_IDENTIFIERS = {1024: 0x06, 2048: 0x07, 3072: 0x08, 4096: 0x09}

ObjectName = tuple[int, int]
"""File identifier and tag."""


def build_data_objects(
    content: CardContent, key_bits: dict[ContainerKind, int]
) -> dict[ObjectName, bytes]:
    """Return every data object of a card."""
    objects = {
        (ADMIN_WRITES, 0xDF20): content.serial,
        (EVERYONE_READS, 0xDF21): b"mscp".ljust(8, b"\0"),
        (EVERYONE_READS, 0xDF22): bytes(6),
        (EVERYONE_READS, 0xDF23): b"".join(_container_records(content, key_bits)),
        (DIRECTORY, 0xDF20): b"\x01" + b"".join(_key_records(content, key_bits)),
    }
    for index, container in enumerate(content.containers):
        where = (EVERYONE_READS, FIRST_CERTIFICATE + index)
        objects[where] = _pack_certificate(container.certificate)
    objects[DIRECTORY, 0xDF1F] = b"\x01" + b"".join(_file_records(content))
    return objects


def certificate_name(index: int, container: CardContainer) -> str:
    """Return the name of a certificate's file: `ksc` for keys that sign, `kxc` for the others."""
    decrypts = container.kind is ContainerKind.ENCRYPTION
    return f"{'kxc' if decrypts else 'ksc'}{index:02X}"


def _file_records(content: CardContent) -> Iterator[bytes]:
    yield _file_record("mscp", "", DIRECTORY, 0)
    yield _file_record("", "cardid", ADMIN_WRITES, 0xDF20)
    yield _file_record("", "cardapps", EVERYONE_READS, 0xDF21)
    yield _file_record("", "cardcf", EVERYONE_READS, 0xDF22)
    yield _file_record("mscp", "cmapfile", EVERYONE_READS, 0xDF23)
    for index, container in enumerate(content.containers):
        name = certificate_name(index, container)
        yield _file_record("mscp", name, EVERYONE_READS, FIRST_CERTIFICATE + index)


def _file_record(directory: str, name: str, file: int, tag: int) -> bytes:
    names = directory.encode().ljust(9, b"\0") + name.encode().ljust(9, b"\0")
    return names + bytes(2) + tag.to_bytes(4, "little") + file.to_bytes(4, "little")


def _container_records(content: CardContent, key_bits: dict[ContainerKind, int]) -> Iterator[bytes]:
    for index, container in enumerate(content.containers):
        bits = key_bits[container.kind].to_bytes(2, "little")
        decrypts = container.kind is ContainerKind.ENCRYPTION
        sizes = bytes(2) + bits if decrypts else bits + bytes(2)
        flags = VALID | (DEFAULT if index == 0 else 0)
        name = container.kind.encode("utf-16-le").ljust(80, b"\0")
        yield name + bytes((flags, 0)) + sizes


def _key_records(content: CardContent, key_bits: dict[ContainerKind, int]) -> Iterator[bytes]:
    for index, container in enumerate(content.containers):
        usage = DECRYPTS_TOO if container.kind is ContainerKind.ENCRYPTION else SIGNS
        reference = (0xB000 + FIRST_KEY + index).to_bytes(2, "little")
        algorithm = _RSA_IDENTIFIERS[key_bits[container.kind]]
        yield b"\x01\0\0\0" + bytes((algorithm, usage)) + reference + b"\xff\xff" + bytes(2)


def _pack_certificate(certificate: bytes) -> bytes:
    return b"\x01\x00" + len(certificate).to_bytes(2, "little") + zlib.compress(certificate)
