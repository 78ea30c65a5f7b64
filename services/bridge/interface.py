"""Interfaces of the hub: towards conversations, and towards the listener of websockets."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from reader_bridge.protocol import KeyRole, PairingWord
from services.bridge.operations.card_task import CardTask
from services.bridge.pairing.codes import PairingCode


@dataclass(frozen=True)
class BridgeStatus:
    """A chat's bridge and what it is doing.

    :ivar is_connected: the bridge has a websocket at this moment.
    :ivar running: the running operation.
    :ivar unresolved: an operation interrupted where the PIN may or may not have been set.
    """

    is_paired: bool
    is_connected: bool = False
    paired_at: datetime | None = None
    expires_at: datetime | None = None
    running: CardTask | None = None
    unresolved: CardTask | None = None


class CancelResult(StrEnum):
    """What cancelling an operation came to."""

    NOTHING_RUNNING = "nothing_running"
    CANCELLED = "cancelled"
    """It is over, and the PIN is as it was."""
    REQUESTED = "requested"
    """The PC was asked to stop; how it ended is an event."""
    TOO_LATE = "too_late"
    """The card is getting its new PIN; how it ends is an event."""


class BridgeHub(Protocol):
    """Bridges and the chats they are paired with. Later results arrive as events."""

    async def issue_pairing_code(
        self, chat_id: int, user_id: int, name: str, now: datetime
    ) -> PairingCode:
        """Issue a pairing code, valid once and for five minutes; an earlier one becomes invalid.

        :param name: of the person in Telegram; shown at the PC.
        """

    def pairing_words(self, chat_id: int) -> tuple[PairingWord, PairingWord] | None:
        """The words to compare while a bridge waits to be confirmed."""

    async def answer_pairing(self, chat_id: int, now: datetime, *, accepted: bool) -> None:
        """Take the chat's answer to whether the words are the same.

        :raises NoPairingError: when no bridge waits for it.
        """

    def status(self, chat_id: int) -> BridgeStatus:
        """The chat's bridge and what it is doing."""

    async def unpair(self, chat_id: int, now: datetime) -> bool:
        """End the pairing, pending pairing and code of a chat; `False` where none was paired."""

    async def start(
        self,
        chat_id: int,
        task: CardTask,
        now: datetime,
        grant_id: str | None = None,
        role: KeyRole = KeyRole.AUTHENTICATION,
    ) -> str:
        """Start an operation and return its id, without waiting for the person at the PC.

        :param grant_id: for activating and unlocking; it allows one cryptogram.
        :param role: whose certificate is read.
        :raises NotPairedError: without a bridge.
        :raises NotConnectedError: while the bridge has no connection.
        :raises OperationRunningError: while another operation is running.
        :raises AdminBarredError: after a card rejected the issuer's key.
        :raises AuthorityError: where grant or authority do not allow it.
        """

    async def cancel(self, chat_id: int, now: datetime) -> CancelResult:
        """Cancel the running operation."""

    async def resolve(self, chat_id: int, now: datetime) -> str:
        """Ask the card for the outcome of the unresolved operation, and return its id.

        :raises NothingToResolveError: where there is none.
        :raises BridgeError: as :meth:`start` does.
        """

    async def acknowledge_end(self, operation_id: str) -> None:
        """Note that the chat was shown how activating or unlocking ended.

        Until then a restart publishes the end again.
        """


class FrameTransport(Protocol):
    """One websocket, as the hub sees it."""

    def send(self, frame: str) -> None:
        """Queue a text frame without waiting; after closing it is dropped."""

    def close(self) -> None:
        """Close the websocket once the queued frames are out."""


class BridgeConnection(Protocol):
    """The hub's side of one websocket."""

    @property
    def has_session(self) -> bool:
        """Whether its bridge was welcomed."""

    @property
    def is_paired(self) -> bool:
        """Whether its bridge is paired with a chat."""

    async def receive(self, text: str, now: datetime) -> None:
        """Handle one frame. The next one is passed on when this returns."""

    async def handle_disconnect(self, now: datetime) -> None:
        """Note that the websocket is closed."""


class BridgeEndpoint(Protocol):
    """Entry point for a listener's websockets."""

    def connect(self, transport: FrameTransport, address: str, now: datetime) -> BridgeConnection:
        """Start serving a websocket, with a greeting.

        :param address: of the bridge's machine, for the limit on wrong codes.
        """
