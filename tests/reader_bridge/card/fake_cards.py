"""Cards for the tests: scripted, recorded, and PIV and MOICA cards with the quirks of real ones."""

import gzip
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

from reader_bridge.card.connection import CardConnection
from reader_bridge.virtual_card.card_command import CardCommand, CommandRefusedError, parse_command
from reader_bridge.virtual_card.card_tlv import decode_tlv, encode_tlv
from reader_bridge.virtual_card.reader import InsertableCard

PIN_INSTRUCTIONS = {0x20, 0x24, 0x2C, 0x87, 0x88, 0x2A, 0x22}
"""Every instruction that could carry or use a PIN, key or counter."""
PLAIN_ATR = bytes.fromhex("3b80800101")


class ScriptedConnection(CardConnection):
    """Answers from a list, or by a function; remembers what was sent."""

    def __init__(
        self,
        answers: Iterable[tuple[bytes, int]] | Callable[[bytes], tuple[bytes, int]],
        atr: bytes = PLAIN_ATR,
        *,
        exclusive: bool = True,
        extended: bool = False,
    ) -> None:
        self._answer = answers if callable(answers) else None
        self._answers = iter(()) if callable(answers) else iter(answers)
        self._atr, self._exclusive = atr, exclusive
        self.extended_length = extended
        self.sent: list[bytes] = []

    @property
    def atr(self) -> bytes:
        return self._atr

    @property
    def exclusive(self) -> bool:
        return self._exclusive

    def send_and_receive(self, apdu: bytearray) -> tuple[bytes, int]:
        self.sent.append(bytes(apdu))
        return self._answer(bytes(apdu)) if self._answer else next(self._answers)

    def close(self) -> None:
        pass


class RecordingCard:
    """A card with a record of the commands that reached it."""

    def __init__(self, card: InsertableCard) -> None:
        self._card = card
        self.commands: list[bytes] = []

    @property
    def atr(self) -> bytes:
        return self._card.atr

    @property
    def instructions(self) -> list[int]:
        return [command[1] for command in self.commands]

    def power_on(self) -> None:
        self._card.power_on()

    def power_off(self) -> None:
        self._card.power_off()

    def reset(self) -> None:
        self._card.reset()

    def transmit(self, apdu: bytes | bytearray) -> bytes:
        self.commands.append(bytes(apdu))
        return self._card.transmit(apdu)


class _Session:
    """What a simple card does with power."""

    atr = PLAIN_ATR
    parts = bytearray()

    def power_on(self) -> None:
        self.reset()

    def power_off(self) -> None:
        self.reset()

    def reset(self) -> None:
        pass

    def transmit(self, apdu: bytes | bytearray) -> bytes:
        try:
            command = parse_command(apdu)
            self.parts = self.parts + command.data
            if command.cla & 0x10:
                return b"\x90\x00"
            whole, self.parts = self.parts, bytearray()
            return self.answer(replace(command, data=whole)) + b"\x90\x00"
        except CommandRefusedError as refusal:
            return refusal.status_word.to_bytes(2, "big")

    def answer(self, command: CardCommand) -> bytes:
        raise NotImplementedError


@dataclass
class PivCard(_Session):
    """A PIV card.

    :ivar accepted: the forms of the AID it lets itself be selected by; any prefix without.
    :ivar verified_query: what it answers when asked for the tries of a verified PIN.
    :ivar blocked: how it says that none is left.
    :ivar wrong: how it says how many are left, added to their number.
    """

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    certificate: bytes
    accepted: tuple[bytes, ...] = ()
    answer_to_select: bytes = bytes.fromhex("61114f0600001000010079074f05a000000308")
    verified_query: int | None = 0x9000
    blocked: int = 0x6983
    wrong: int = 0x63C0
    compressed: bool = False
    pin: bytes = b"123456"
    puk: bytes = b"87654321"
    tries: dict[int, int] = field(default_factory=lambda: {0x80: 3, 0x81: 3})
    verified: bool = False

    def reset(self) -> None:
        self.verified = False

    def answer(self, command: CardCommand) -> bytes:
        handlers = {
            0xA4: self._select,
            0x20: self._verify,
            0x24: self._change,
            0x2C: self._unlock,
            0xCB: self._get_data,
            0x87: self._sign,
        }
        if command.ins not in handlers:
            raise CommandRefusedError(0x6D00)
        return handlers[command.ins](command)

    def _select(self, command: CardCommand) -> bytes:
        aid, whole = bytes(command.data), bytes.fromhex("a000000308000010000100")
        if aid not in self.accepted if self.accepted else not whole.startswith(aid):
            raise CommandRefusedError(0x6A82)
        self.verified = False
        return self.answer_to_select

    def _verify(self, command: CardCommand) -> bytes:
        if command.data:
            self._spend(0x80, bytes(command.data) == self.pin.ljust(8, b"\xff"))
            self.verified = True
        elif command.p2 == 0x80 and self.verified and self.verified_query == 0x9000:
            return b""
        else:
            self._tell_tries(command.p2)
        return b""

    def _change(self, command: CardCommand) -> bytes:
        self._spend(0x80, bytes(command.data[:8]) == self.pin.ljust(8, b"\xff"))
        self.pin = bytes(command.data[8:]).rstrip(b"\xff")
        return b""

    def _unlock(self, command: CardCommand) -> bytes:
        self._spend(0x81, bytes(command.data[:8]) == self.puk.ljust(8, b"\xff"))
        self.pin, self.tries[0x80] = bytes(command.data[8:]).rstrip(b"\xff"), 3
        return b""

    def _spend(self, reference: int, right: bool) -> None:
        if not self.tries[reference]:
            raise CommandRefusedError(self.blocked)
        self.tries[reference] = 3 if right else self.tries[reference] - 1
        if not right:
            self.verified = False
            self._tell_tries(reference)

    def _tell_tries(self, reference: int) -> None:
        left = self.tries[reference]
        raise CommandRefusedError(self.wrong + left if left else self.blocked)

    def _get_data(self, command: CardCommand) -> bytes:
        if bytes(command.data) == bytes.fromhex("5c035fc102"):
            return encode_tlv(0x53, encode_tlv(0x34, bytes(range(16))) + encode_tlv(0xFE, b""))
        if bytes(command.data) != bytes.fromhex("5c035fc105"):
            raise CommandRefusedError(0x6A82)
        content = gzip.compress(self.certificate) if self.compressed else self.certificate
        info = encode_tlv(0x71, b"\x01" if self.compressed else b"\x00")
        return encode_tlv(0x53, encode_tlv(0x70, content) + info + encode_tlv(0xFE, b""))

    def _sign(self, command: CardCommand) -> bytes:
        if not self.verified:
            raise CommandRefusedError(0x6982)
        body = bytes(command.data)
        if isinstance(self.key, rsa.RSAPrivateKey):
            block = int.from_bytes(body[-(self.key.key_size // 8) :], "big")
            numbers = self.key.private_numbers()
            size = self.key.key_size // 8
            value = pow(block, numbers.d, numbers.public_numbers.n).to_bytes(size, "big")
        else:
            digest = decode_tlv(decode_tlv(body)[0x7C])[0x81]
            value = self.key.sign(digest, ec.ECDSA(Prehashed(SHA256())))
        return encode_tlv(0x7C, encode_tlv(0x82, value))


@dataclass
class MoicaCard(_Session):
    """A MOICA card as far as public sources show it: files, read in portions."""

    encryption: bytes = b""
    signature: bytes = b""
    issuer: bytes = b""
    atr: bytes = PLAIN_ATR
    mark: bytes = b"CHT V32N 2016 1.0   "
    commands: list[bytes] = field(default_factory=list)
    path: list[int] = field(default_factory=list)

    def transmit(self, apdu: bytes | bytearray) -> bytes:
        self.commands.append(bytes(apdu))
        return super().transmit(apdu)

    def answer(self, command: CardCommand) -> bytes:
        if command.cla != 0x80:
            raise CommandRefusedError(0x6E00)
        if command.ins == 0xA4:
            file = int.from_bytes(command.data, "big")
            self.path = [file] if file == 0x3F00 else [*self.path, file]
            return b""
        if command.ins != 0xB0:
            raise CommandRefusedError(0x6D00)
        content = self._content()
        offset = command.reference
        return content[offset : offset + command.expected]

    def _content(self) -> bytes:
        if self.path == [0x3F00, 0x0900, 0x0905]:
            return self.mark
        if self.path != [0x3F00, 0x5030, 0x08F2]:
            raise CommandRefusedError(0x6A82)
        store = bytearray(0x1C00)
        for offset, content in (
            (0x0700, self.issuer),
            (0x0E00, self.encryption),
            (0x1500, self.signature),
        ):
            store[offset : offset + len(content)] = content
        return bytes(store)


class UnknownCard(_Session):
    """A card that refuses everything, as one that none of the profiles knows."""

    def answer(self, command: CardCommand) -> bytes:
        raise CommandRefusedError(0x6D00)
