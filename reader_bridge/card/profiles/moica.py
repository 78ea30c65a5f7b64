"""Real MOICA cards (自然人憑證): read, and never sent a PIN (docs/facts.md §1.4, §2.6, §2.7).

The authority warns that other software can lock such a card for good, and how it takes a PIN is not
public. So this profile only has reading commands, and its channel carries no others.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from reader_bridge.card.apdu import CommandApdu, Instruction
from reader_bridge.card.atr import historical_bytes
from reader_bridge.card.certificate import find_card_number, load_certificate
from reader_bridge.card.channel import CardChannel
from reader_bridge.card.errors import (
    ApduError,
    CertificateMissingError,
    MalformedResponseError,
)
from reader_bridge.card.profiles.base import CardCapability, CardProfile, CardStatus
from reader_bridge.protocol.enums import KeyRole, ProfileName

PROPRIETARY_CLASS = 0x80
"""The class byte of every command of these cards."""
MASTER_FILE = 0x3F00
IDENTIFICATION = (0x0900, 0x0905)
CERTIFICATE_STORE = (0x5030, 0x08F2)
CARD_SYSTEM_MARK = b"CHT V"
"""Chunghwa Telecom's card system; cards in the field continue with `32N`."""
ATR_MARKS = (b"CHTMOICA", b"CHTGPK")
"""In the historical bytes, according to the public list of ATRs."""
READ_SIZE = 200
"""How many bytes a READ BINARY asks for."""


@dataclass(frozen=True, slots=True)
class CertificateSlot:
    """The place of a certificate in the store."""

    offset: int
    size: int = 0x700


SLOTS = {KeyRole.ENCRYPTION: CertificateSlot(0x0E00), KeyRole.SIGNATURE: CertificateSlot(0x1500)}
"""The person has two certificates; none is for authentication."""


class MoicaProfile(CardProfile):
    """A real MOICA card."""

    name = ProfileName.MOICA
    capabilities = frozenset({CardCapability.READ_CERTIFICATE})

    @classmethod
    def matches_atr(cls, atr: bytes) -> bool:
        """Whether the historical bytes carry the card system's mark."""
        return historical_bytes(atr).startswith(ATR_MARKS)

    @classmethod
    def recognise(cls, channel: CardChannel) -> "MoicaProfile | None":
        """Look for the card system's mark on the card."""
        profile = cls(channel)
        return profile if profile._has_card_system_mark() else None

    def status(self) -> CardStatus:
        """Return what the card says without a PIN. Asks for no tries."""
        present = {role: der for role in SLOTS if (der := self._read(SLOTS[role]))}
        numbers = (find_card_number(load_certificate(der)) for der in present.values())
        return CardStatus(
            profile=self.name,
            capabilities=self.capabilities,
            card_number=next((number for number in numbers if number), None),
            certificates=tuple(present),
        )

    def read_certificate(self, role: KeyRole = KeyRole.SIGNATURE) -> bytes:
        """Return a certificate of the person, as DER."""
        certificate = self._read(SLOTS[role]) if role in SLOTS else None
        if not certificate:
            raise CertificateMissingError(role)
        return certificate

    def _has_card_system_mark(self) -> bool:
        try:
            self._select(MASTER_FILE, *IDENTIFICATION)
            return self._read_binary(0, 20).startswith(CARD_SYSTEM_MARK)
        except ApduError:
            return False

    def _read(self, slot: CertificateSlot) -> bytes | None:
        """Read a certificate; `None` where its place is empty, or the card has no such place.

        :raises MalformedResponseError: it would not fit into its place.
        """
        try:
            self._select(MASTER_FILE, *CERTIFICATE_STORE)
            head = self._read_binary(slot.offset, 4)
        except ApduError:
            return None
        if head[:2] != b"\x30\x82":
            return None
        length = 4 + int.from_bytes(head[2:4], "big")
        if length > slot.size:
            raise MalformedResponseError("length of certificate")
        return b"".join(self._read_parts(slot.offset, length))

    def _read_parts(self, offset: int, length: int) -> Iterator[bytes]:
        done = 0
        while done < length:
            part = self._read_binary(offset + done, min(READ_SIZE, length - done))
            if not part:
                raise MalformedResponseError("end of certificate")
            yield part
            done += len(part)

    def _read_binary(self, offset: int, length: int) -> bytes:
        command = CommandApdu(
            PROPRIETARY_CLASS, Instruction.READ_BINARY, offset >> 8, offset & 0xFF, le=length
        )
        answer = self.channel.send(command)
        if len(answer) > length:
            raise MalformedResponseError("length of READ BINARY")
        return answer

    def _select(self, *files: int) -> None:
        for file in files:
            identifier = file.to_bytes(2, "big")
            self.channel.send(
                CommandApdu(PROPRIETARY_CLASS, Instruction.SELECT, 0x00, 0x00, identifier)
            )
