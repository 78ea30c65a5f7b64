"""One websocket: greeting, numbers, and which message goes where in which state."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from types import MappingProxyType

import structlog
from sqlalchemy.exc import SQLAlchemyError

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
    OperationProgress,
    OperationResult,
)
from reader_bridge.protocol.pairing_messages import (
    Greeting,
    Hello,
    Pair,
    PairAnswer,
    Resume,
    Welcome,
)
from services.bridge.events import LinkDown, LinkUp, PairedEnd, PairingEnd
from services.bridge.ids import new_nonce
from services.bridge.interface import Transport
from services.bridge.operations.completion import PATIENCE, Events
from services.bridge.operations.message_handler import Answers
from services.bridge.pairing.service import PairingDesk
from services.bridge.pairing.store import Pairing
from services.bridge.sessions import Chats, Session, Sessions

MOST_ODD = 16
"""Messages that are unknown or come at the wrong time, over one connection."""
_S = SessionState
_OF_OPERATIONS = frozenset(
    {OperationProgress, AdminChallenge, AdminAnswer, OperationResult, OperationFailure}
)
_ALWAYS = frozenset({ErrorMessage, Bye})
TABLE: Mapping[SessionState, frozenset[type[BridgeMessage]]] = MappingProxyType(
    {
        _S.UNPAIRED: _ALWAYS | {Pair},
        _S.CONFIRMING: _ALWAYS | {PairAnswer},
        _S.ANSWERED: _ALWAYS | {PairAnswer},
        _S.PAIRED: _ALWAYS | _OF_OPERATIONS,
    }
)
"""What a bridge may say in which state of its session."""
_LATE = frozenset({PairAnswer, *_OF_OPERATIONS})
"""What may be on its way when its state ends; where it comes too late, nobody is told."""
_log = structlog.get_logger()


@dataclass(frozen=True)
class House:
    """Who looks after what is said over a connection.

    :ivar origin: of this server.
    :ivar lost: hears of connections that are gone.
    """

    chats: Chats
    sessions: Sessions
    pairing: PairingDesk
    answers: Answers
    origin: str
    events: Events
    lost: "Callable[[HubConnection], None]"


class HubConnection:
    """One websocket (`services.bridge.interface.Connection`)."""

    def __init__(self, house: House, transport: Transport, address: str, now: datetime) -> None:
        self._house = house
        self._transport = transport
        self._address = address
        self._nonce = new_nonce()
        self._session: Session | None = None
        self._odd = 0
        self._closed = False
        self.since = now
        transport.send(encode_frame(Greeting((API_LEVEL,), self._nonce, house.origin)))

    @property
    def is_paired(self) -> bool:
        """Whether its bridge is paired with a chat."""
        return self._session is not None and self._session.pairing is not None

    def close(self, code: ProtocolErrorCode) -> None:
        """Say a last word, close it, and listen no more."""
        self._closed = True
        self._transport.send(encode_frame(ErrorMessage(code)))
        self._transport.close()

    async def receive(self, text: str, now: datetime) -> None:
        """Carry out `Connection.receive`. A frame that is none ends the connection."""
        if self._closed:
            return
        try:
            frame = parse_frame(text)
            if self._session is None:
                await self._greeted(frame, now)
            elif self._session.transport is self._transport:
                await self._take(self._session, frame, now)
        except ProtocolError as error:
            _log.info("bridge_message_refused", code=error.code, where=error.field)
            self.close(error.code)

    async def lost(self, now: datetime) -> None:
        """Carry out `Connection.lost`."""
        self._house.lost(self)
        session = self._session
        if session is None or session.transport is not self._transport:
            return
        session.transport, session.lost_at = None, now
        if session.pairing is not None:
            self._house.events(LinkDown(session.pairing.chat_id))
        elif session.offered is not None:
            async with self._house.chats.held(session.offered.offer.chat_id) as chat:
                if chat.offered is not None and chat.offered is session.offered:
                    self._house.pairing.drop_offer(chat, PairingEnd.LINK_LOST)
        self._house.sessions.forget(session)

    async def _greeted(self, frame: Frame, now: datetime) -> None:
        hello = frame.decode_from_bridge()
        if not isinstance(hello, Hello):
            raise ProtocolError(field="type")
        if hello.api_level != API_LEVEL:
            raise ProtocolError(ProtocolErrorCode.UNSUPPORTED_API_LEVEL, "api_level")
        found = self._proved(hello.resume, now)
        if found is None or hello.resume is None:
            self._begin(hello, now)
            return
        session, pairing = found
        async with self._house.chats.held(pairing.chat_id) as chat:
            if chat.session is not session:  # it ended while it was waited for
                self._begin(hello, now)
                return
            resumed = self._go_on(session, pairing, hello.resume.last_seq, now)
            if chat.running is not None and not resumed:
                chat.running.answer_by = now + PATIENCE
            if chat.unresolved is not None:
                chat.resolve_at = now + PATIENCE

    def _begin(self, hello: Hello, now: datetime) -> None:
        """Begin a new session."""
        session = Session(self._address, now, transport=self._transport)
        session.nonces = self._nonce, hello.nonce
        self._session = session
        self._house.sessions.add(session)
        self._transport.send(encode_frame(Welcome(session.id)))

    def _proved(self, resume: Resume | None, now: datetime) -> tuple[Session, Pairing] | None:
        """Give the session a bridge proves to have been paired in."""
        session = self._house.sessions.find(resume.session) if resume else None
        if resume is None or session is None or session.pairing is None:
            return None
        proof = compute_resume_proof(session.pairing.resume_secret, session.id, self._nonce)
        right = hmac.compare_digest(proof, resume.proof)
        if not right or session.pairing.expires_at <= now:
            return None
        return session, session.pairing

    def _go_on(self, session: Session, pairing: Pairing, seen: int, now: datetime) -> bool:
        """Take a session up again: where it broke off or, `False`, after a restart from 1."""
        missed = None if session.restored else session.outgoing.frames_after(seen)
        if missed is None:
            session.begin_anew()
        old, self._session = session.transport, session
        session.transport, session.address = self._transport, self._address
        session.restored, session.lost_at = False, None
        left = ceil((pairing.expires_at - now).total_seconds())
        welcome = Welcome(session.id, missed is not None, True, session.incoming.last, left)
        self._transport.send(encode_frame(welcome))
        for frame in missed or ():
            self._transport.send(frame)
        if old is not None:
            old.close()
        self._house.events(LinkUp(pairing.chat_id))
        return missed is not None

    async def _take(self, session: Session, frame: Frame, now: datetime) -> None:
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
            self._answer_odd(session, error.code)
            return
        if type(message) not in TABLE[session.state]:
            if type(message) not in _LATE:
                self._answer_odd(session, ProtocolErrorCode.BAD_STATE)
            return
        try:
            await self._handle(session, message, now)
        except SQLAlchemyError as error:
            # Not seen, then: it comes again with the next link.
            session.incoming.last = frame.seq - 1
            _log.error("bridge_message_not_taken", error=type(error).__name__)
            self.close(ProtocolErrorCode.BUSY)

    def _answer_odd(self, session: Session, code: ProtocolErrorCode) -> None:
        self._odd += 1
        if self._odd > MOST_ODD:
            raise ProtocolError(field="type")
        session.send(ErrorMessage(code))

    async def _handle(self, session: Session, message: BridgeMessage, now: datetime) -> None:
        match message:
            case Pair():
                await self._house.pairing.redeem(session, message.code, now)
            case PairAnswer():
                await self._house.pairing.answered_at_pc(session, message.accepted, now)
            case Bye():
                await self._left(session, now)
            case (
                OperationProgress()
                | AdminChallenge()
                | AdminAnswer()
                | OperationResult()
                | OperationFailure()
            ):
                if session.pairing is not None:
                    async with self._house.chats.held(session.pairing.chat_id) as chat:
                        if chat.session is session:
                            await self._house.answers.take(chat, session, message, now)

    async def _left(self, session: Session, now: datetime) -> None:
        """Let a bridge go, and its pairing with it."""
        if session.pairing is not None:
            async with self._house.chats.held(session.pairing.chat_id) as chat:
                if chat.session is session:
                    await self._house.pairing.end(chat, PairedEnd.BY_BRIDGE, now)
        elif session.offered is not None:
            async with self._house.chats.held(session.offered.offer.chat_id) as chat:
                if chat.offered is session.offered:
                    self._house.pairing.drop_offer(chat, PairingEnd.REFUSED_AT_PC)
        self._transport.close()
