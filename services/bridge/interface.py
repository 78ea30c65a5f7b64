"""The port: what conversations ask of the hub, and what a listener hands to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from reader_bridge.protocol import KeyRole, PairingWord
from services.bridge.operations.task import Work
from services.bridge.pairing.codes import PairingCode


@dataclass(frozen=True)
class Presence:
    """Whether a chat has a bridge.

    :ivar connected: it has a link at this moment.
    :ivar since: when it was paired.
    :ivar until: when the pairing ends.
    :ivar work: what is under way.
    :ivar unresolved: what was cut off where the PIN may be set or not.
    """

    paired: bool
    connected: bool = False
    since: datetime | None = None
    until: datetime | None = None
    work: Work | None = None
    unresolved: Work | None = None


class BridgeHub(Protocol):
    """Bridges and the chats they are paired with. What comes of a verb later comes as an event."""

    async def offer(self, chat_id: int, user_id: int, name: str, now: datetime) -> PairingCode:
        """Give a pairing code, good once and for five minutes; it replaces one given before.

        :param name: as the person calls themself in Telegram; shown at the PC.
        """

    def words(self, chat_id: int) -> tuple[PairingWord, PairingWord] | None:
        """Give the words to compare, while a bridge waits to be confirmed."""

    async def confirm(self, chat_id: int, now: datetime, *, accepted: bool) -> None:
        """Say for the chat whether the words are the same.

        :raises NoPairingError: when nobody waits for it any more.
        """

    def presence(self, chat_id: int) -> Presence:
        """Tell whether the chat has a bridge."""

    async def unpair(self, chat_id: int, now: datetime) -> bool:
        """End pairing, offer and code of a chat; `False` where there was no pairing."""

    async def start(
        self,
        chat_id: int,
        work: Work,
        now: datetime,
        grant_id: str | None = None,
        role: KeyRole = KeyRole.AUTHENTICATION,
    ) -> str:
        """Begin something and give its id; returns while the person has yet to do their part.

        :param grant_id: for activating and unlocking; it is good for one cryptogram.
        :param role: whose certificate is read.
        :raises NotPairedError: without a bridge.
        :raises NotConnectedError: while its link is lost.
        :raises BusyError: while something is under way.
        :raises AdminBarredError: after a card refused the issuer.
        :raises AuthorityError: where grant or authority do not allow it.
        """

    async def cancel(self, chat_id: int, now: datetime) -> bool:
        """End what is under way; `False` where nothing is, or it cannot be ended any more."""

    async def resolve(self, chat_id: int, now: datetime) -> str:
        """Have the card tell how the operation ended that was cut off; give its id.

        :raises NothingToResolveError: where there is none.
        :raises BridgeError: as :meth:`start` does.
        """

    async def told(self, operation_id: str) -> None:
        """Hear that the chat was told how activating or unlocking ended.

        Until then a restart tells it again.
        """


class Transport(Protocol):
    """One websocket, as the hub sees it."""

    def send(self, frame: str) -> None:
        """Send a text frame; never waits. What cannot be sent any more is dropped."""

    def close(self) -> None:
        """Close it, once what was sent before is out."""


class Connection(Protocol):
    """One websocket's side of the hub."""

    async def receive(self, text: str, now: datetime) -> None:
        """Take one frame. The next one is handed over when this returns."""

    async def lost(self, now: datetime) -> None:
        """Hear that the websocket is gone."""


class BridgeDoor(Protocol):
    """Where a listener brings its websockets."""

    def connect(self, transport: Transport, address: str, now: datetime) -> Connection:
        """Greet a bridge.

        :param address: of its machine, for counting wrong codes.
        """
