"""The channel of a profile: sends commands, and returns data or typed errors."""

import time
from collections.abc import Callable, Collection

from reader_bridge.card.apdu import (
    LE_ALL,
    READ_INSTRUCTIONS,
    ApduProcessor,
    ApduSender,
    CommandApdu,
    CommandChaining,
    Instruction,
    LengthCorrection,
    LengthFormat,
    ResponseApdu,
    ResponseChaining,
    SendBudget,
)
from reader_bridge.card.atr import supports_extended_length
from reader_bridge.card.connection import CardConnection
from reader_bridge.card.errors import ApduError, NotExclusiveError, PinOperationRefusedError
from reader_bridge.protocol.enums import ProfileName

MAX_SENDS = 600
"""For one command with all its parts; 64 KiB in parts of 128 bytes are 512."""
MAX_SECONDS = 20.0


class CardChannel:
    """A connection with the rules for commands.

    :param instructions: what may be sent at all. Everything else is refused here, whatever a
        profile tries: an unidentified card only gets :data:`READ_INSTRUCTIONS`.
    """

    def __init__(
        self,
        connection: CardConnection,
        instructions: Collection[int] = READ_INSTRUCTIONS,
        *,
        profile: ProfileName = ProfileName.UNKNOWN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.connection = connection
        self._instructions = frozenset(instructions)
        self._profile = profile
        self._clock = clock
        self._budget = SendBudget(MAX_SENDS, MAX_SECONDS, clock)
        self._processor = _build_chain(connection, self._budget)

    def for_profile(self, profile: ProfileName) -> "CardChannel":
        """Return a channel for an identified card, on which every instruction is allowed."""
        return CardChannel(self.connection, list(Instruction), profile=profile, clock=self._clock)

    def exchange(self, command: CommandApdu) -> ResponseApdu:
        """Send a command and return the answer, whatever it is.

        :raises PinOperationRefusedError: the command is not allowed for this card; nothing was
            sent.
        :raises NotExclusiveError: a PIN would be sent while other programs can reach the card.
        """
        if command.ins not in self._instructions:
            raise PinOperationRefusedError(self._profile, f"{command.ins:02x}")
        if command.secret and not self.connection.exclusive:
            raise NotExclusiveError
        self._budget.reset()
        return self._processor.exchange(command)

    def send(self, command: CommandApdu) -> bytes:
        """Send a command and return the answer's data.

        :raises ApduError: the card refused it.
        """
        response = self.exchange(command)
        if not response.ok:
            raise ApduError(response.status_word, command.ins)
        return response.data

    def select(self, aid: bytes) -> bytes:
        """Select an application by its identifier (AID)."""
        return self.send(CommandApdu(0x00, Instruction.SELECT, 0x04, 0x00, aid, LE_ALL))

    def get_data(self, file: int, request: bytes) -> bytes:
        """Read a data object: `GET DATA` with the file in P1-P2."""
        return self.send(
            CommandApdu(0x00, Instruction.GET_DATA, file >> 8, file & 0xFF, request, LE_ALL)
        )


def _build_chain(connection: CardConnection, budget: SendBudget) -> ApduProcessor:
    if connection.extended_length and supports_extended_length(connection.atr):
        sender = ApduSender(connection, LengthFormat.EXTENDED, budget)
        return ResponseChaining(LengthCorrection(sender))
    form = LengthFormat.SHORT_T0 if connection.character_protocol else LengthFormat.SHORT
    sender = ApduSender(connection, form, budget)
    return ResponseChaining(LengthCorrection(CommandChaining(sender)))
