"""Real MOICA cards (自然人憑證): read, and never sent a PIN (docs/facts.md §1.4, §2.6, §2.7).

The authority warns that other software can lock such a card for good, and how it takes a PIN is
not public. So this profile has reading commands and nothing else, and its channel carries nothing
else either.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from reader_bridge.card.apdu import CommandApdu, Instruction
from reader_bridge.card.atr import historical_bytes
from reader_bridge.card.certificate import KeyRole, card_number, load
from reader_bridge.card.channel import CardChannel
from reader_bridge.card.errors import (
    ApduError,
    CertificateMissingError,
    MalformedResponseError,
)
from reader_bridge.card.profiles.base import CardProfile, CardStatus, ProfileName, Verb

PROPRIETARY = 0x80
"""The class byte of every command of these cards."""
MASTER_FILE = 0x3F00
IDENTIFICATION = (0x0900, 0x0905)
CERTIFICATE_STORE = (0x5030, 0x08F2)
MARK = b"CHT V"
"""Chunghwa Telecom's card system; cards in the field go on with `32N`."""
ATR_MARKS = (b"CHTMOICA", b"CHTGPK")
"""In the historical bytes, as the public list of ATRs has them."""
PART = 200
"""How many bytes a READ BINARY asks for."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a certificate lies in the store."""

    offset: int
    size: int = 0x700


ROOT = Slot(0x0000)
ISSUER = Slot(0x0700)
SLOTS = {KeyRole.ENCRYPTION: Slot(0x0E00), KeyRole.SIGNATURE: Slot(0x1500)}
"""There are two certificates of the person; none is for authentication."""


def is_marked(atr: bytes) -> bool:
    """Tell whether the answer to reset is that of such a card: seen without sending anything."""
    return historical_bytes(atr).startswith(ATR_MARKS)


class MoicaProfile(CardProfile):
    """A real MOICA card."""

    name = ProfileName.MOICA
    verbs = frozenset({Verb.READ_CERTIFICATE})

    @classmethod
    def recognise(cls, channel: CardChannel) -> "MoicaProfile | None":
        """Look for the card system's mark, in the ATR and else on the card."""
        profile = cls(channel)
        return profile if is_marked(channel.connection.atr) or profile._names_itself() else None

    def status(self) -> CardStatus:
        """Say what can be said without a PIN. Spends no try: none can be asked for."""
        present = {role: der for role in SLOTS if (der := self._read(SLOTS[role]))}
        numbers = (card_number(load(der)) for der in present.values())
        return CardStatus(
            profile=self.name,
            verbs=self.verbs,
            card_number=next((number for number in numbers if number), None),
            certificates=tuple(present),
        )

    def read_certificate(self, role: KeyRole = KeyRole.SIGNATURE) -> bytes:
        """Give a certificate of the person, as DER."""
        certificate = self._read(SLOTS[role]) if role in SLOTS else None
        if not certificate:
            raise CertificateMissingError(role)
        return certificate

    def read_issuer(self) -> bytes | None:
        """Give the certificate of the authority, as the card has it; not proved genuine."""
        return self._read(ISSUER)

    def _names_itself(self) -> bool:
        try:
            self._select(MASTER_FILE, *IDENTIFICATION)
            return self._read_binary(0, 20).startswith(MARK)
        except ApduError:
            return False

    def _read(self, slot: Slot) -> bytes | None:
        """Read one certificate; `None` where its place is empty, or the card has no such place.

        :raises MalformedResponseError: where it would not fit into its place.
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
        return b"".join(self._parts(slot.offset, length))

    def _parts(self, offset: int, length: int) -> Iterator[bytes]:
        done = 0
        while done < length:
            part = self._read_binary(offset + done, min(PART, length - done))
            if not part:
                raise MalformedResponseError("end of certificate")
            yield part
            done += len(part)

    def _read_binary(self, offset: int, length: int) -> bytes:
        command = CommandApdu(
            PROPRIETARY, Instruction.READ_BINARY, offset >> 8, offset & 0xFF, le=length
        )
        answer = self.channel.send(command)
        if len(answer) > length:
            raise MalformedResponseError("length of READ BINARY")
        return answer

    def _select(self, *files: int) -> None:
        for file in files:
            identifier = file.to_bytes(2, "big")
            self.channel.send(CommandApdu(PROPRIETARY, Instruction.SELECT, 0x00, 0x00, identifier))
