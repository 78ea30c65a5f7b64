"""What one running operation has at hand: the card, the person, and the little of the server."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from reader_bridge.card.connection import CardReaders
from reader_bridge.card.errors import CardError
from reader_bridge.operations.card_thread import CardCalls
from reader_bridge.operations.failures import from_card
from reader_bridge.prompter import Peer, Prompter, Working
from reader_bridge.protocol.operations import Parameters, operation_of
from reader_bridge.protocol.vocabulary import Operation, Purpose, Step

if TYPE_CHECKING:
    from reader_bridge.operations.card_discovery import FoundCard

_T = TypeVar("_T")


class ServerSide(Protocol):
    """All that an operation can get from the server while it runs."""

    async def progress(self, step: Step, tries_left: int | None = None) -> None:
        """Tell what is waited for."""

    async def cryptogram(self, card_serial: str, host: bytes, card: bytes) -> bytes:
        """Have the card's challenge answered.

        :raises OperationFailedError: where the server does not, in time.
        """

    async def is_genuine(self, answer: bytes) -> bool:
        """Have the card's own proof checked.

        :raises OperationFailedError: where the server does not say, in time.
        """


@dataclass
class Allowances:
    """What outlives an operation.

    :ivar reading_allowed: the person said yes to reading, in this session.
    :ivar admin_rejected: a card has refused a cryptogram; no card gets another one from this run.
    :ivar card: the one that was looked at last.
    """

    reading_allowed: bool = False
    admin_rejected: bool = False
    card: "FoundCard | None" = None


@dataclass
class Errand:
    """One running operation.

    :ivar origin: of the server, as it was dialled.
    """

    parameters: Parameters
    readers: CardReaders
    calls: CardCalls
    prompter: Prompter
    peer: Peer
    origin: str
    server: ServerSide
    allowances: Allowances = field(default_factory=Allowances)

    @property
    def operation(self) -> Operation:
        """Which it is."""
        return operation_of(self.parameters)

    @property
    def purpose(self) -> Purpose | None:
        """What it is for, where it is for something."""
        return getattr(self.parameters, "purpose", None)

    async def read(self, work: Callable[[], _T]) -> _T:
        """Make a call to readers or card that can be broken off anywhere.

        :raises OperationFailedError: where the card does not take part.
        """
        try:
            return await self.calls.call(work)
        except CardError as error:
            raise from_card(error) from None

    async def carry_out(self, work: Callable[[], _T]) -> _T:
        """Make a call that uses or sets a PIN. What it raises is left as it is.

        :raises CardError: as the card's verbs do.
        """
        self.prompter.show(Working(self.operation))
        return await self.calls.finish(work)

    def failure_of(self, error: CardError) -> Exception:
        """Read the error of such a call."""
        connection = self.calls.connection
        return from_card(error, connection.unanswered if connection else None)
