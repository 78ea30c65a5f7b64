"""The context of a running operation: card, person, server, and what outlives the operation."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from reader_bridge.card.connection import CardReaders
from reader_bridge.card.errors import CardError
from reader_bridge.operations.card_thread import CardCalls
from reader_bridge.operations.failures import failure_from_card
from reader_bridge.operations.found_card import FoundCard
from reader_bridge.prompter import CardWorking, PairingPeer, Prompter
from reader_bridge.protocol.enums import Operation, PinPurpose, ProgressStep
from reader_bridge.protocol.operation_payloads import Parameters, operation_of

_T = TypeVar("_T")


class OperationServer(Protocol):
    """The requests that a running operation can send to the server."""

    async def report_progress(self, step: ProgressStep, tries_left: int | None = None) -> None:
        """Report what the operation waits for."""

    async def request_cryptogram(self, card_serial: str, host: bytes, card: bytes) -> bytes:
        """Have the server answer the card's challenge.

        :raises OperationFailedError: the server did not answer in time.
        """

    async def verify_card_answer(self, answer: bytes) -> bool:
        """Have the server check the card's own proof.

        :raises OperationFailedError: the server did not answer in time.
        """


@dataclass
class SessionContext:
    """What outlives an operation.

    :ivar reading_allowed: the person allowed reading, in this session.
    :ivar admin_rejected: a card refused a cryptogram; until the program restarts no card gets
        another.
    :ivar last_card: the card that was read last.
    """

    reading_allowed: bool = False
    admin_rejected: bool = False
    last_card: FoundCard | None = None


@dataclass
class OperationContext:
    """What an operation works with.

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
        """The operation that the parameters belong to."""
        return operation_of(self.parameters)

    @property
    def purpose(self) -> PinPurpose | None:
        """The purpose of the operation, where it has one."""
        return getattr(self.parameters, "purpose", None)

    def ensure_not_stopped(self) -> None:
        """Check that a question may still be asked.

        :raises asyncio.CancelledError: the operation was stopped.
        """
        if self.card_calls.is_stopped:
            raise asyncio.CancelledError

    async def run_read(self, work: Callable[[], _T]) -> _T:
        """Run work on readers or card that can be interrupted anywhere.

        :raises OperationFailedError: the card failed.
        """
        try:
            return await self.card_calls.call(work)
        except CardError as error:
            raise failure_from_card(error) from None

    async def run_pin_work(self, work: Callable[[], _T]) -> _T:
        """Run work that uses or sets a PIN, to its end.

        :raises CardError: as it came from the card; see :meth:`failure_for`.
        """
        self.prompter.show(CardWorking(self.operation))
        return await self.card_calls.call_to_end(work)

    def failure_for(self, error: CardError) -> Exception:
        """Return the failure for an error of :meth:`run_pin_work`."""
        connection = self.card_calls.connection
        return failure_from_card(error, connection.unanswered_instruction if connection else None)
