"""Commands and answers of a card (ISO/IEC 7816-4 §5), and the processors that send them.

Processors form a chain: each takes a command, passes one or several to the next, and returns one
answer. The last one, :class:`ApduSender`, writes to the connection. A command that is `secret`
prints as dots, is overwritten once sent, and is never sent twice.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, IntEnum, unique
from typing import Protocol

from reader_bridge.card.connection import CardConnection
from reader_bridge.card.errors import CardNotRespondingError, MalformedResponseError
from reader_bridge.card.secret_buffer import wipe

LE_ALL = 0
"""As `le`: everything the card has to say."""
MAX_SHORT_DATA = 255
MAX_SHORT_RESPONSE = 256
MAX_EXTENDED_RESPONSE = 65_536
MAX_CHAINED_RESPONSE = 65_536
"""Over all parts of a chained answer."""
CHAINING_BIT = 0x10
"""In the class byte: more parts of this command follow."""


@unique
class Instruction(IntEnum):
    """The INS bytes that are ever sent."""

    VERIFY = 0x20
    MANAGE_SECURITY_ENVIRONMENT = 0x22
    CHANGE_REFERENCE_DATA = 0x24
    PERFORM_SECURITY_OPERATION = 0x2A
    RESET_RETRY_COUNTER = 0x2C
    GENERAL_AUTHENTICATE = 0x87
    SELECT = 0xA4
    READ_BINARY = 0xB0
    GET_RESPONSE = 0xC0
    GET_DATA = 0xCB


READ_INSTRUCTIONS = frozenset(
    {Instruction.SELECT, Instruction.READ_BINARY, Instruction.GET_RESPONSE, Instruction.GET_DATA}
)
"""Instructions that change nothing and prove nothing: all that an unidentified card gets."""


@unique
class StatusWord(IntEnum):
    """The status words that are handled separately."""

    OK = 0x9000
    NO_TRIES_LEFT = 0x63C0
    WRONG_LENGTH = 0x6700
    AUTHENTICATION_METHOD_BLOCKED = 0x6983
    REFERENCE_DATA_NOT_USABLE = 0x6984
    CONDITIONS_NOT_SATISFIED = 0x6985
    WRONG_DATA = 0x6A80
    FUNCTION_NOT_SUPPORTED = 0x6A81
    NOT_FOUND = 0x6A82
    REFERENCED_DATA_NOT_FOUND = 0x6A88


class LengthFormat(Enum):
    """How lengths are encoded."""

    SHORT = "short"
    SHORT_T0 = "short over T=0"
    """T=0 always needs a third parameter, and cannot carry two lengths in one command."""
    EXTENDED = "extended"


@dataclass(frozen=True, slots=True)
class CommandApdu:
    """A command.

    :ivar le: the number of bytes expected, :data:`LE_ALL`, or `None` for none.
    :ivar secret: the data is a PIN, PUK or cryptogram.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes | bytearray = b""
    le: int | None = None
    secret: bool = False

    def __repr__(self) -> str:
        header = f"{self.cla:02X} {self.ins:02X} {self.p1:02X} {self.p2:02X}"
        data = "•••" if self.secret else self.data.hex()
        return f"CommandApdu({header}, {data}, le={self.le})"

    def encode(self, form: LengthFormat) -> bytearray:
        """Encode the command in one buffer.

        :raises ValueError: the data is too long for the format.
        """
        extended = form is LengthFormat.EXTENDED
        if len(self.data) > (0xFFFF if extended else MAX_SHORT_DATA):
            raise ValueError("too long for one command")
        width, most = (2, MAX_EXTENDED_RESPONSE) if extended else (1, MAX_SHORT_RESPONSE)
        buffer = bytearray((self.cla, self.ins, self.p1, self.p2))
        if extended and (self.data or self.le is not None):
            buffer.append(0)
        if self.data:
            buffer += len(self.data).to_bytes(width, "big")
            buffer += self.data
        if form is LengthFormat.SHORT_T0 and (self.data or self.le is None):
            if not self.data:
                buffer.append(0)
        elif self.le is not None:
            expected = 0 if self.le in (LE_ALL, most) else self.le
            buffer += expected.to_bytes(width, "big")
        return buffer


@dataclass(frozen=True, slots=True)
class ResponseApdu:
    """An answer."""

    data: bytes
    status_word: int

    @property
    def ok(self) -> bool:
        """Whether the command succeeded."""
        return self.status_word == StatusWord.OK


class ApduProcessor(Protocol):
    """A link of the chain."""

    def exchange(self, command: CommandApdu) -> ResponseApdu:
        """Process a command and return its answer."""


class SendBudget:
    """The sends and the time that one command may take.

    It stops a card that announces more and more data, or that is slow in every part.

    :param clock: seconds, monotonic.
    """

    def __init__(self, sends: int, seconds: float, clock: Callable[[], float]) -> None:
        self._sends, self._seconds, self._clock = sends, seconds, clock
        self.reset()

    def reset(self) -> None:
        """Start over for the next command."""
        self._left = self._sends
        self._ends = self._clock() + self._seconds

    def spend(self) -> None:
        """Count one send.

        :raises MalformedResponseError: no send is left.
        :raises CardNotRespondingError: the time is over.
        """
        if self._clock() > self._ends:
            raise CardNotRespondingError(self._seconds)
        if not self._left:
            raise MalformedResponseError("endless chain")
        self._left -= 1


class ApduSender:
    """Writes a command to the connection."""

    def __init__(
        self, connection: CardConnection, length_format: LengthFormat, budget: SendBudget
    ) -> None:
        self._connection, self._length_format, self._budget = connection, length_format, budget

    def exchange(self, command: CommandApdu) -> ResponseApdu:
        """Send the command as it is."""
        self._budget.spend()
        buffer = command.encode(self._length_format)
        try:
            data, status_word = self._connection.send_and_receive(buffer)
        finally:
            if command.secret:
                wipe(buffer)
        return ResponseApdu(data, status_word)


class CommandChaining:
    """Splits a command that is too long (ISO/IEC 7816-4 §5.3.3)."""

    def __init__(self, next_processor: ApduProcessor) -> None:
        self._next = next_processor

    def exchange(self, command: CommandApdu) -> ResponseApdu:
        """Send the parts, up to the first that the card refuses."""
        data = command.data
        while len(data) > MAX_SHORT_DATA:
            part = replace(
                command, cla=command.cla | CHAINING_BIT, data=data[:MAX_SHORT_DATA], le=None
            )
            response = self._next.exchange(part)
            if not response.ok:
                return response
            data = data[MAX_SHORT_DATA:]
        return self._next.exchange(replace(command, data=data))


class LengthCorrection:
    """Repeats a command with the length the card names (`6Cxx`), once and never a secret one."""

    def __init__(self, next_processor: ApduProcessor) -> None:
        self._next = next_processor

    def exchange(self, command: CommandApdu) -> ResponseApdu:
        """Send, and repeat once where the expected length was wrong."""
        response = self._next.exchange(command)
        if response.status_word >> 8 != 0x6C or command.secret:
            return response
        return self._next.exchange(replace(command, le=response.status_word & 0xFF))


class ResponseChaining:
    """Fetches the rest of an answer (`61xx`)."""

    def __init__(self, next_processor: ApduProcessor) -> None:
        self._next = next_processor

    def exchange(self, command: CommandApdu) -> ResponseApdu:
        """Send, and fetch the rest of the answer.

        :raises MalformedResponseError: the answer is longer than allowed.
        """
        response = self._next.exchange(command)
        gathered = response.data
        while response.status_word >> 8 == 0x61:
            rest = CommandApdu(
                command.cla & 0x03, Instruction.GET_RESPONSE, 0, 0, le=response.status_word & 0xFF
            )
            response = self._next.exchange(rest)
            gathered += response.data
            if len(gathered) > MAX_CHAINED_RESPONSE:
                raise MalformedResponseError("length of chained answer")
        return ResponseApdu(gathered, response.status_word)
