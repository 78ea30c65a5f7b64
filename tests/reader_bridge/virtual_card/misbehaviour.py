"""Cards that misbehave on request: pulled in the middle, slow, or answering nonsense."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from reader_bridge.card.errors import CardRemovedError
from reader_bridge.virtual_card.reader import InsertableCard


class MisbehaviourKind(StrEnum):
    """What a card can do wrong."""

    PULLED_BEFORE = "pulled_before"
    """The command never reached it."""
    PULLED_AFTER = "pulled_after"
    """It executed the command, and the answer was lost."""
    SLOW = "slow"
    GARBAGE = "garbage"
    """It executes the command and answers something else."""


@dataclass(frozen=True)
class Misbehaviour:
    """One misbehaviour.

    :ivar command: the number of the command, from 1; any without.
    :ivar instruction: the INS byte; any without.
    :ivar times: how often it happens.
    :ivar seconds: how slow.
    :ivar answer: the garbage.
    """

    kind: MisbehaviourKind
    command: int | None = None
    instruction: int | None = None
    times: int = 1
    seconds: float = 1.0
    answer: bytes = b"\xde\xad\xbe\xef"


class MisbehavingCard:
    """A card with misbehaviours around it.

    :param wait: waits for a slow card.
    """

    def __init__(
        self,
        card: InsertableCard,
        *misbehaviours: Misbehaviour,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._card, self._wait = card, wait
        self._ordered = misbehaviours
        self._left = [misbehaviour.times for misbehaviour in misbehaviours]
        self.commands = 0

    @property
    def atr(self) -> bytes:
        """The answer to reset."""
        return self._card.atr

    def power_on(self) -> None:
        self._card.power_on()

    def power_off(self) -> None:
        self._card.power_off()

    def reset(self) -> None:
        self._card.reset()

    def transmit(self, apdu: bytes | bytearray) -> bytes:
        """Execute a command, or misbehave.

        :raises CardRemovedError: it is pulled.
        """
        self.commands += 1
        ordered = self._next(apdu)
        if ordered is None:
            return self._card.transmit(apdu)
        if ordered.kind is MisbehaviourKind.PULLED_BEFORE:
            raise CardRemovedError
        if ordered.kind is MisbehaviourKind.SLOW:
            self._wait(ordered.seconds)
        answer = self._card.transmit(apdu)
        if ordered.kind is MisbehaviourKind.PULLED_AFTER:
            raise CardRemovedError
        return ordered.answer if ordered.kind is MisbehaviourKind.GARBAGE else answer

    def _next(self, apdu: bytes | bytearray) -> Misbehaviour | None:
        for index, misbehaviour in enumerate(self._ordered):
            at_command = misbehaviour.command in (None, self.commands)
            at_instruction = misbehaviour.instruction in (None, apdu[1] if len(apdu) > 1 else None)
            if self._left[index] and at_command and at_instruction:
                self._left[index] -= 1
                return misbehaviour
        return None
