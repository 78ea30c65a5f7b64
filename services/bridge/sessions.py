"""Sessions of bridges and the chats they are paired with, in memory."""

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
    compute_commitment,
    encode_frame,
)
from reader_bridge.protocol.messages import ServerMessage
from reader_bridge.protocol.operation_messages import ErrorMessage
from services.bridge.interface import FrameTransport
from services.bridge.operations.store import OperationRecord
from services.bridge.pairing.codes import RedeemedCode
from services.bridge.pairing.store import StoredPairing
from services.ids import new_id, new_nonce


@dataclass(eq=False)
class PendingPairing:
    """A pairing that waits to be confirmed at the PC and in the chat."""

    session: "HubSession"
    code: RedeemedCode
    words: tuple[PairingWord, PairingWord]
    expires_at: datetime
    accepted_at_pc: bool = False
    accepted_in_chat: bool = False


@dataclass(eq=False)
class HubSession:
    """A session with one bridge. Once paired, it outlives its connections.

    :ivar restored: it was read from the database, and the bridge has not connected since.
    :ivar lost_at: when its connection was lost.
    :ivar pairing_nonce: what the next pairing's words will depend on; secret until its code is
        spent, and then replaced.
    :ivar former_chat_id: the chat it was paired with; the end of what ran then may still arrive.
    """

    address: str
    since: datetime
    id: str = field(default_factory=new_id)
    state: SessionState = SessionState.UNPAIRED
    transport: FrameTransport | None = None
    outgoing: OutgoingSequence = field(default_factory=OutgoingSequence)
    incoming: IncomingSequence = field(default_factory=IncomingSequence)
    pairing_nonce: bytes = b""
    pending: PendingPairing | None = None
    pairing: StoredPairing | None = None
    restored: bool = False
    lost_at: datetime | None = None
    wrong_codes: int = 0
    former_chat_id: int | None = None

    def send(self, message: ServerMessage) -> None:
        """Send a message, now or when the bridge reconnects."""
        frame = self.outgoing.number(message)
        if self.transport is not None:
            self.transport.send(frame)

    def renew_commitment(self) -> bytes:
        """Draw the nonce for the next pairing, and return the commitment to it."""
        self.pairing_nonce = new_nonce()
        return compute_commitment(self.id, self.pairing_nonce)

    def restart_numbering(self) -> None:
        """Restart the sequence numbers at 1 in both directions."""
        self.outgoing, self.incoming = OutgoingSequence(), IncomingSequence()

    def disconnect(self, code: ProtocolErrorCode | None = None) -> None:
        """Close its connection, after an error message where there is a code."""
        if self.transport is not None:
            if code is not None:
                self.transport.send(encode_frame(ErrorMessage(code)))
            self.transport.close()

    def detach(self) -> None:
        """Drop its pairing, confirmed or pending."""
        if self.pairing is not None:
            self.former_chat_id = self.pairing.chat_id
        self.state, self.pairing, self.pending = SessionState.UNPAIRED, None, None


@dataclass(eq=False)
class HubChat:
    """A chat: its bridge, a bridge that waits to be paired, and its operations.

    :ivar lock: held while anything about it changes.
    :ivar unresolved: an operation whose outcome the card has to report.
    :ivar resolve_at: when the card is asked, if the bridge has not reported the outcome by then.
    :ivar users: number of tasks that hold the lock or wait for it.
    """

    id: int
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    session: HubSession | None = None
    pending: PendingPairing | None = None
    running: OperationRecord | None = None
    unresolved: OperationRecord | None = None
    resolve_at: datetime | None = None
    users: int = 0

    @property
    def is_idle(self) -> bool:
        """Whether it may be forgotten."""
        return not (self.session or self.pending or self.running or self.unresolved)


class ChatRegistry:
    """Every chat with a bridge, an operation or a pending pairing."""

    def __init__(self) -> None:
        self._chats: dict[int, HubChat] = {}

    @asynccontextmanager
    async def lock(self, chat_id: int) -> AsyncIterator[HubChat]:
        """Hold a chat's lock while the block runs; forget the chat afterwards if it is idle."""
        chat = self._chats.setdefault(chat_id, HubChat(chat_id))
        chat.users += 1
        try:
            async with chat.lock:
                yield chat
        finally:
            chat.users -= 1
            if not chat.users and chat.is_idle:
                self._chats.pop(chat_id, None)

    def find(self, chat_id: int) -> HubChat | None:
        """Find a chat, for reading only."""
        return self._chats.get(chat_id)

    def ids(self) -> list[int]:
        """The ids of the chats known now."""
        return list(self._chats)


class SessionRegistry:
    """Every session with a connection or a pairing."""

    def __init__(self) -> None:
        self._sessions: dict[str, HubSession] = {}

    def add(self, session: HubSession) -> None:
        """Add a session."""
        self._sessions[session.id] = session

    def find(self, session_id: str) -> HubSession | None:
        """Find a session."""
        return self._sessions.get(session_id)

    def discard(self, session: HubSession) -> None:
        """Remove a session that has neither connection nor pairing."""
        if session.transport is None and session.pairing is None:
            self._sessions.pop(session.id, None)
