"""One websocket of a bridge: greeting, sequence numbers, and the dispatch of its messages."""

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import metadata
from math import ceil
from types import MappingProxyType

from reader_bridge.protocol import (
    BridgeMessage,
    Frame,
    ProtocolError,
    ProtocolErrorCode,
    SessionState,
    compute_resume_proof,
    encode_frame,
    parse_frame,
)
from reader_bridge.protocol.limits import API_LEVEL
from reader_bridge.protocol.operation_messages import (
    AdminAnswer,
    AdminChallenge,
    Bye,
    ErrorMessage,
    OperationFailure,
    OperationResult,
    ProgressReport,
)
from reader_bridge.protocol.pairing_messages import (
    Greeting,
    Hello,
    Pair,
    PairAnswer,
    Resume,
    Welcome,
)
from services.bridge.events import (
    BridgeConnected,
    BridgeDisconnected,
    PairingEndReason,
    PairingFailureReason,
)
from services.bridge.interface import FrameTransport
from services.bridge.operations.completion import ANSWER_DELAY, STOP_DELAY, Publish
from services.bridge.operations.message_handler import OperationMessageHandler
from services.bridge.operations.state import OperationState
from services.bridge.pairing.service import PairingService
from services.bridge.pairing.store import StoredPairing
from services.bridge.sessions import ChatRegistry, HubSession, SessionRegistry
from services.clock import steady_time
from services.ids import new_nonce
from services.repeated_events import RepeatedEvents
from services.storage.availability import DatabaseUnavailableError

MAX_UNEXPECTED = 16
"""Messages of an unknown type or in the wrong state that one connection may send."""
_S = SessionState
_OPERATION_MESSAGES = frozenset(
    {ProgressReport, AdminChallenge, AdminAnswer, OperationResult, OperationFailure}
)
_ALWAYS = frozenset({ErrorMessage, Bye})
ALLOWED_MESSAGES: Mapping[SessionState, frozenset[type[BridgeMessage]]] = MappingProxyType(
    {
        _S.UNPAIRED: _ALWAYS | {Pair},
        _S.CONFIRMING: _ALWAYS | {PairAnswer},
        _S.ANSWERED: _ALWAYS | {PairAnswer},
        _S.PAIRED: _ALWAYS | _OPERATION_MESSAGES,
    }
)
"""Message types that a bridge may send in each state of its session."""
_MAY_BE_LATE = frozenset({PairAnswer, *_OPERATION_MESSAGES})
"""Messages that may still be on their way when their state ends; then they are ignored."""
_RELEASE = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4}){2}")


@cache
def _release_version() -> str | None:
    """The release that server and bridge come from; `None` in a build between two."""
    version = metadata.version("kaika")
    return version if _RELEASE.fullmatch(version) else None


@dataclass(frozen=True)
class ConnectionServices:
    """Services shared by all connections of the hub.

    :ivar origin: of this server.
    :ivar on_disconnect: called with every connection that is closed.
    """

    chats: ChatRegistry
    sessions: SessionRegistry
    pairing: PairingService
    operation_messages: OperationMessageHandler
    origin: str
    publish: Publish
    events: RepeatedEvents
    on_disconnect: "Callable[[HubConnection], None]"


class HubConnection:
    """One websocket; implementation of `services.bridge.interface.BridgeConnection`.

    :ivar unpaired_since: when it was opened, or was paired last.
    """

    def __init__(
        self, services: ConnectionServices, transport: FrameTransport, address: str, now: datetime
    ) -> None:
        self._services = services
        self._transport = transport
        self._address = address
        self._nonce = new_nonce()
        self._session: HubSession | None = None
        self._unexpected = 0
        self._closed = False
        self.unpaired_since = steady_time(now)
        transport.send(
            encode_frame(Greeting((API_LEVEL,), self._nonce, services.origin, _release_version()))
        )

    @property
    def has_session(self) -> bool:
        """Whether its bridge was welcomed."""
        return self._session is not None

    @property
    def is_paired(self) -> bool:
        """Whether its bridge is paired with a chat."""
        return self._session is not None and self._session.pairing is not None

    def close(self, code: ProtocolErrorCode) -> None:
        """Send an error and close; later frames are ignored."""
        self._closed = True
        self._transport.send(encode_frame(ErrorMessage(code)))
        self._transport.close()

    async def receive(self, text: str, now: datetime) -> None:
        """Handle one frame; a malformed one closes the connection."""
        if self._closed:
            return
        try:
            frame = parse_frame(text)
            if self._session is None:
                await self._handle_hello(frame, now)
            elif self._session.transport is self._transport:
                await self._handle_frame(self._session, frame, now)
        except ProtocolError as error:
            self._services.events.warn("bridge_message_refused", code=error.code, where=error.field)
            self.close(error.code)

    async def handle_disconnect(self, now: datetime) -> None:
        """Keep a paired session for the bridge to resume, and drop any other."""
        self._services.on_disconnect(self)
        session = self._session
        if session is None or session.transport is not self._transport:
            return
        session.transport, session.lost_at = None, steady_time(now)
        if session.pairing is not None:
            self._services.publish(BridgeDisconnected(session.pairing.chat_id))
        elif session.pending is not None:
            async with self._services.chats.lock(session.pending.code.chat_id) as chat:
                if chat.pending is not None and chat.pending is session.pending:
                    self._services.pairing.cancel_pending(chat, PairingFailureReason.LINK_LOST)
        self._services.sessions.discard(session)

    async def _handle_hello(self, frame: Frame, now: datetime) -> None:
        hello = frame.decode_from_bridge()
        if not isinstance(hello, Hello):
            raise ProtocolError(field="type")
        if hello.api_level != API_LEVEL:
            raise ProtocolError(ProtocolErrorCode.UNSUPPORTED_API_LEVEL, "api_level")
        found = self._find_resumed(hello.resume, now)
        if found is None or hello.resume is None:
            self._begin_session(now)
            return
        session, pairing = found
        async with self._services.chats.lock(pairing.chat_id) as chat:
            if chat.session is not session:  # it ended while waiting for the lock
                self._begin_session(now)
                return
            resumed = self._resume_session(session, pairing, hello.resume.last_seq, now)
            running = chat.running
            if running is not None and (not resumed or running.state is OperationState.STOPPING):
                running.answer_by = steady_time(now) + STOP_DELAY
            if chat.unresolved is not None:
                chat.resolve_at = steady_time(now) + ANSWER_DELAY

    def _begin_session(self, now: datetime) -> None:
        session = HubSession(self._address, now, transport=self._transport)
        self._session = session
        self._services.sessions.add(session)
        welcome = Welcome(session.id, commitment=session.renew_commitment())
        self._transport.send(encode_frame(welcome))

    def _find_resumed(
        self, resume: Resume | None, now: datetime
    ) -> tuple[HubSession, StoredPairing] | None:
        """The paired session whose secret the bridge proves to have."""
        session = self._services.sessions.find(resume.session) if resume else None
        if resume is None or session is None or session.pairing is None:
            return None
        proof = compute_resume_proof(session.pairing.resume_secret, session.id, self._nonce)
        right = hmac.compare_digest(proof, resume.proof)
        if not right or session.pairing.expires_at <= steady_time(now):
            return None
        return session, session.pairing

    def _resume_session(
        self, session: HubSession, pairing: StoredPairing, seen: int, now: datetime
    ) -> bool:
        """Continue a session on this websocket.

        :returns: whether numbering went on; after a restart of the server it begins again at 1.
        """
        missed = None if session.restored else session.outgoing.frames_after(seen)
        if missed is None:
            session.restart_numbering()
        old, self._session = session.transport, session
        session.transport, session.address = self._transport, self._address
        session.restored, session.lost_at = False, None
        left = ceil((pairing.expires_at - steady_time(now)).total_seconds())
        welcome = Welcome(session.id, missed is not None, True, session.incoming.last, left)
        self._transport.send(encode_frame(welcome))
        for frame in missed or ():
            self._transport.send(frame)
        if old is not None:
            old.close()
        self._services.publish(BridgeConnected(pairing.chat_id))
        return missed is not None

    async def _handle_frame(self, session: HubSession, frame: Frame, now: datetime) -> None:
        if frame.seq == 0:
            if not isinstance(frame.decode_from_bridge(), ErrorMessage):
                raise ProtocolError(field="seq")
            return
        if not session.incoming.accept(frame.seq):
            return
        try:
            message = frame.decode_from_bridge()
        except ProtocolError as error:
            if error.code is not ProtocolErrorCode.UNKNOWN_MESSAGE:
                raise
            self._reject_unexpected(session, error.code)
            return
        is_allowed = type(message) in ALLOWED_MESSAGES[session.state]
        if not is_allowed and type(message) not in _MAY_BE_LATE:
            self._reject_unexpected(session, ProtocolErrorCode.BAD_STATE)
            return
        try:
            if is_allowed:
                await self._handle_message(session, message, now)
            elif isinstance(message, OperationResult | OperationFailure):
                await self._handle_late_end(session, message, now)
        except DatabaseUnavailableError as error:
            # Counts as not received: the bridge sends it again over its next connection.
            session.incoming.last = frame.seq - 1
            self._services.events.warn("bridge_message_not_taken", error=type(error).__name__)
            self.close(ProtocolErrorCode.BUSY)

    def _reject_unexpected(self, session: HubSession, code: ProtocolErrorCode) -> None:
        self._unexpected += 1
        if self._unexpected > MAX_UNEXPECTED:
            raise ProtocolError(field="type")
        session.send(ErrorMessage(code))

    async def _handle_message(
        self, session: HubSession, message: BridgeMessage, now: datetime
    ) -> None:
        match message:
            case Pair():
                await self._services.pairing.redeem(session, message, now)
            case PairAnswer():
                await self._services.pairing.answer_at_pc(session, message.accepted, now)
            case Bye():
                await self._handle_bye(session, now)
            case (
                ProgressReport()
                | AdminChallenge()
                | AdminAnswer()
                | OperationResult()
                | OperationFailure()
            ):
                if session.pairing is not None:
                    is_end = isinstance(message, OperationResult | OperationFailure)
                    async with self._services.chats.lock(session.pairing.chat_id) as chat:
                        # the pairing may have ended meanwhile; the end of what ran still counts
                        if chat.session is session or is_end:
                            await self._services.operation_messages.handle(
                                chat, session, message, now
                            )

    async def _handle_late_end(
        self, session: HubSession, message: OperationResult | OperationFailure, now: datetime
    ) -> None:
        """Handle the end of an operation that was stopped because the pairing ended."""
        if session.former_chat_id is not None:
            async with self._services.chats.lock(session.former_chat_id) as chat:
                await self._services.operation_messages.handle(chat, session, message, now)

    async def _handle_bye(self, session: HubSession, now: datetime) -> None:
        """End the session's pairing, since the person closed the bridge."""
        if session.pairing is not None:
            async with self._services.chats.lock(session.pairing.chat_id) as chat:
                if chat.session is session:
                    await self._services.pairing.unpair(chat, PairingEndReason.BY_BRIDGE, now)
        elif session.pending is not None:
            async with self._services.chats.lock(session.pending.code.chat_id) as chat:
                if chat.pending is session.pending:
                    self._services.pairing.cancel_pending(chat, PairingFailureReason.REFUSED_AT_PC)
        self._transport.close()
