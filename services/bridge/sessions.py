"""What is known in memory: sessions with their links, and what each chat has to do with them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from reader_bridge.protocol import (
    IncomingSequence,
    OutgoingSequence,
    PairingWord,
    ProtocolErrorCode,
    SessionState,
    encode_frame,
)
from reader_bridge.protocol.messages import ServerMessage
from reader_bridge.protocol.operation_messages import ErrorMessage
from services.bridge.ids import new_id
from services.bridge.interface import Transport
from services.bridge.operations.store import OperationRecord
from services.bridge.pairing.codes import Offer
from services.bridge.pairing.store import Pairing


@dataclass(eq=False)
class Offered:
    """A pairing that waits for both halves of its confirmation."""

    session: "Session"
    offer: Offer
    words: tuple[PairingWord, PairingWord]
    expires_at: datetime
    at_pc: bool = False
    in_chat: bool = False


@dataclass(eq=False)
class Session:
    """A session with one bridge. It outlives its links once it is paired.

    :ivar state: unpaired, confirming, answered or paired.
    :ivar restored: it was read from the database, and no link has come since.
    :ivar lost_at: since when it has no link.
    """

    address: str
    since: datetime
    id: str = field(default_factory=new_id)
    state: SessionState = SessionState.UNPAIRED
    transport: Transport | None = None
    outgoing: OutgoingSequence = field(default_factory=OutgoingSequence)
    incoming: IncomingSequence = field(default_factory=IncomingSequence)
    nonces: tuple[bytes, bytes] = (b"", b"")
    offered: Offered | None = None
    pairing: Pairing | None = None
    restored: bool = False
    lost_at: datetime | None = None
    wrong_codes: int = 0

    def send(self, message: ServerMessage) -> None:
        """Send a message, now or when the link is back."""
        frame = self.outgoing.number(message)
        if self.transport is not None:
            self.transport.send(frame)

    def begin_anew(self) -> None:
        """Begin at 1 in both directions."""
        self.outgoing, self.incoming = OutgoingSequence(), IncomingSequence()

    def hang_up(self, code: ProtocolErrorCode | None = None) -> None:
        """Close its link, with a last word where there is one."""
        if self.transport is not None:
            if code is not None:
                self.transport.send(encode_frame(ErrorMessage(code)))
            self.transport.close()

    def part(self) -> None:
        """Be paired with nobody, and offered to nobody."""
        self.state, self.pairing, self.offered = SessionState.UNPAIRED, None, None


@dataclass(eq=False)
class Chat:
    """A chat: its bridge, the one that wants to be it, and what is under way.

    :ivar lock: held while anything about it changes.
    :ivar unresolved: an operation whose end the card has to tell.
    :ivar resolve_at: when the card is asked, if the bridge has not told the end by then.
    """

    id: int
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    session: Session | None = None
    offered: Offered | None = None
    running: OperationRecord | None = None
    unresolved: OperationRecord | None = None
    resolve_at: datetime | None = None
    users: int = 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing is known of it."""
        return not (self.session or self.offered or self.running or self.unresolved)


class Chats:
    """Every chat that has to do with a bridge."""

    def __init__(self) -> None:
        self._chats: dict[int, Chat] = {}

    @asynccontextmanager
    async def held(self, chat_id: int) -> AsyncIterator[Chat]:
        """Have a chat to oneself while the block runs; one that has no bridge is then forgotten."""
        chat = self._chats.setdefault(chat_id, Chat(chat_id))
        chat.users += 1
        try:
            async with chat.lock:
                yield chat
        finally:
            chat.users -= 1
            if not chat.users and chat.is_idle:
                self._chats.pop(chat_id, None)

    def find(self, chat_id: int) -> Chat | None:
        """Give a chat, to be looked at only."""
        return self._chats.get(chat_id)

    def ids(self) -> list[int]:
        """Give which there are now."""
        return list(self._chats)


class Sessions:
    """Every session that has a link or a pairing."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}

    def add(self, session: Session) -> None:
        """Note a session."""
        self._sessions[session.id] = session

    def find(self, session_id: str) -> Session | None:
        """Give a session."""
        return self._sessions.get(session_id)

    def forget(self, session: Session) -> None:
        """Drop a session that has neither link nor pairing."""
        if session.transport is None and session.pairing is None:
            self._sessions.pop(session.id, None)
