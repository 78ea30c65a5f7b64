"""Commands as they reach the card, and its status words (ISO/IEC 7816-4 §5)."""

from dataclasses import dataclass
from enum import IntEnum

CHAINING_BIT = 0x10
MAX_SHORT_RESPONSE, MAX_EXTENDED_RESPONSE = 256, 65_536


class CardStatusWord(IntEnum):
    """The status words of this card."""

    OK = 0x9000
    WRONG_TRIES = 0x63C0
    WRONG_LENGTH = 0x6700
    SECURITY = 0x6982
    BLOCKED = 0x6983
    CONDITIONS = 0x6985
    WRONG_DATA = 0x6A80
    NOT_FOUND = 0x6A82
    WRONG_P1_P2 = 0x6A86
    REFERENCE_NOT_FOUND = 0x6A88
    UNKNOWN_INSTRUCTION = 0x6D00
    UNKNOWN_CLASS = 0x6E00


class CommandRefusedError(Exception):
    """The card refuses the command.

    :ivar status_word: its answer.
    """

    def __init__(self, status_word: int) -> None:
        super().__init__(f"{status_word:04X}")
        self.status_word = status_word


@dataclass(frozen=True, repr=False)
class CardCommand:
    """A command.

    :ivar expected: the most bytes the answer may have; 0 where none are expected.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytearray
    expected: int

    @property
    def reference(self) -> int:
        """P1 and P2 as one number."""
        return self.p1 << 8 | self.p2


def parse_command(apdu: bytes | bytearray) -> CardCommand:
    """Parse a command.

    :raises CommandRefusedError: its lengths do not fit.
    """
    if len(apdu) < 4:
        raise CommandRefusedError(CardStatusWord.WRONG_LENGTH)
    cla, ins, p1, p2 = apdu[:4]
    data, expected = _parse_body(memoryview(apdu)[4:])
    return CardCommand(cla, ins, p1, p2, bytearray(data), expected)


def _parse_body(body: memoryview) -> tuple[memoryview, int]:
    if not body:
        return body, 0
    if len(body) == 1:
        return body[1:], body[0] or MAX_SHORT_RESPONSE
    if body[0]:
        return _parse_data(body[1:], body[0], 1, MAX_SHORT_RESPONSE)
    if len(body) == 3:
        return body[3:], int.from_bytes(body[1:], "big") or MAX_EXTENDED_RESPONSE
    if len(body) < 3:
        raise CommandRefusedError(CardStatusWord.WRONG_LENGTH)
    return _parse_data(body[3:], int.from_bytes(body[1:3], "big"), 2, MAX_EXTENDED_RESPONSE)


def _parse_data(rest: memoryview, length: int, width: int, most: int) -> tuple[memoryview, int]:
    data, expected = rest[:length], rest[length:]
    if len(data) != length or len(expected) not in (0, width) or not length:
        raise CommandRefusedError(CardStatusWord.WRONG_LENGTH)
    return data, (int.from_bytes(expected, "big") or most) if expected else 0
