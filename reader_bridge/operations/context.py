"""What one running operation has at hand: the card, the person, and the little of the server."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from reader_bridge.card.connection import CardReaders
from reader_bridge.card.errors import CardError
from reader_bridge.operations.card_thread import CardCalls
from reader_bridge.operations.failures import failure_from_card
from reader_bridge.operations.found_card import FoundCard
from reader_bridge.prompter import CardWorking, PairingPeer, Prompter
from reader_bridge.protocol.operations import Parameters, operation_of
from reader_bridge.protocol.vocabulary import Operation, PinPurpose, ProgressStep

_T = TypeVar("_T")


class OperationServer(Protocol):
    """All that an operation can get from the server while it runs."""

    async def report_progress(self, step: ProgressStep, tries_left: int | None = None) -> None:
        """Tell what is waited for."""

    async def request_cryptogram(self, card_serial: str, host: bytes, card: bytes) -> bytes:
        """Have the card's challenge answered.

        :raises OperationFailedError: where the server does not, in time.
        """

    async def verify_card_answer(self, answer: bytes) -> bool:
        """Have the card's own proof checked.

        :raises OperationFailedError: where the server does not say, in time.
        """


@dataclass
class SessionContext:
    """What outlives an operation.

    :ivar reading_allowed: the person said yes to reading, in this session.
    :ivar admin_rejected: a card has refused a cryptogram; no card gets another one from this run.
    :ivar card: the one that was looked at last.
    """

    reading_allowed: bool = False
    admin_rejected: bool = False
    last_card: FoundCard | None = None


@dataclass
class OperationContext:
    """One running operation.

    :ivar origin: of the server, as it was dialled.
    """

    parameters: Parameters
    readers: CardReaders
    card_calls: CardCalls
    prompter: Prompter
    peer: PairingPeer
    origin: str
    server: OperationServer
    session: SessionContext = field(default_factory=SessionContext)

    @property
    def operation(self) -> Operation:
        """Which it is."""
        return operation_of(self.parameters)

    @property
    def purpose(self) -> PinPurpose | None:
        """What it is for, where it is for something."""
        return getattr(self.parameters, "purpose", None)

    async def run_read(self, work: Callable[[], _T]) -> _T:
        """Make a call to readers or card that can be broken off anywhere.

        :raises OperationFailedError: where the card does not take part.
        """
        try:
            return await self.card_calls.call(work)
        except CardError as error:
            raise failure_from_card(error) from None

    async def run_pin_work(self, work: Callable[[], _T]) -> _T:
        """Make a call that uses or sets a PIN. What it raises is left as it is.

        :raises CardError: as the card's verbs do.
        """
        self.prompter.show(CardWorking(self.operation))
        return await self.card_calls.call_to_end(work)

    def failure_for(self, error: CardError) -> Exception:
        """Read the error of such a call."""
        connection = self.card_calls.connection
        return failure_from_card(error, connection.unanswered_instruction if connection else None)
