"""Cards that misbehave to order: pulled in the middle, slow, or talking nonsense."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from reader_bridge.card.errors import CardRemovedError
from reader_bridge.virtual_card.reader import InsertableCard


class Kind(StrEnum):
    """What a card can do wrong."""

    PULLED_BEFORE = "pulled_before"
    """The command never reached it."""
    PULLED_AFTER = "pulled_after"
    """It carried the command out, and the answer was lost."""
    SLOW = "slow"
    GARBAGE = "garbage"
    """It carries the command out and answers something else."""


@dataclass(frozen=True)
class Misbehaviour:
    """One misbehaviour.

    :ivar command: at which command it happens, the first is 1; at any without.
    :ivar instruction: at which INS byte; at any without.
    :ivar times: how often; once it is used up, the card behaves.
    :ivar seconds: how slow.
    :ivar answer: the garbage.
    """

    kind: Kind
    command: int | None = None
    instruction: int | None = None
    times: int = 1
    seconds: float = 1.0
    answer: bytes = b"\xde\xad\xbe\xef"


class MisbehavingCard:
    """A card with misbehaviours around it.

    :param wait: how time passes for a slow card.
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
        """Begin a session."""
        self._card.power_on()

    def power_off(self) -> None:
        """End it."""
        self._card.power_off()

    def reset(self) -> None:
        """Begin it anew."""
        self._card.reset()

    def transmit(self, apdu: bytes | bytearray) -> bytes:
        """Carry out a command, or do what was ordered instead.

        :raises CardRemovedError: where that is being pulled.
        """
        self.commands += 1
        ordered = self._next(apdu)
        if ordered is None:
            return self._card.transmit(apdu)
        if ordered.kind is Kind.PULLED_BEFORE:
            raise CardRemovedError
        if ordered.kind is Kind.SLOW:
            self._wait(ordered.seconds)
        answer = self._card.transmit(apdu)
        if ordered.kind is Kind.PULLED_AFTER:
            raise CardRemovedError
        return ordered.answer if ordered.kind is Kind.GARBAGE else answer

    def _next(self, apdu: bytes | bytearray) -> Misbehaviour | None:
        for index, misbehaviour in enumerate(self._ordered):
            at_command = misbehaviour.command in (None, self.commands)
            at_instruction = misbehaviour.instruction in (None, apdu[1] if len(apdu) > 1 else None)
            if self._left[index] and at_command and at_instruction:
                self._left[index] -= 1
                return misbehaviour
        return None
