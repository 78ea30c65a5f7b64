"""Beginning operations, ending them from this side, and having the card tell how one ended.

Called with the chat's lock held.
"""

from asyncio import Future
from contextlib import suppress
from datetime import datetime, timedelta
from math import ceil

from reader_bridge.protocol import FailureCode, KeyRole, Operation
from reader_bridge.protocol.limits import OPERATION_SECONDS, WITHOUT_LINK_SECONDS
from reader_bridge.protocol.operation_messages import StartOperation
from reader_bridge.protocol.operations import (
    ChangePin,
    ListReaders,
    Parameters,
    ProvePossession,
    ReadCardStatus,
    ReadCertificate,
    SetPin,
    operation_of,
)
from services.bridge.errors import (
    AdminBarredError,
    BridgeError,
    BusyError,
    NotConnectedError,
    NothingToResolveError,
    NotPairedError,
)
from services.bridge.events import Fault
from services.bridge.ids import new_id, new_nonce
from services.bridge.operations.authorisation import CardWork
from services.bridge.operations.completion import Endings, Events
from services.bridge.operations.state import Happening, OperationState, after, allowed
from services.bridge.operations.store import OperationRecord, OperationStore
from services.bridge.operations.task import LATE, Work
from services.bridge.sessions import Chat, Session
from services.bridge.write_behind import WriteBehind

_S, _H = OperationState, Happening


class Operations:
    """Begins and ends operations."""

    def __init__(
        self,
        store: OperationStore,
        work: CardWork,
        behind: WriteBehind,
        endings: Endings,
        events: Events,
    ) -> None:
        self._store = store
        self._work = work
        self._behind = behind
        self._endings = endings
        self._events = events

    async def start(
        self, chat: Chat, work: Work, now: datetime, grant_id: str | None, role: KeyRole
    ) -> tuple[str, Future[None] | None]:
        """Carry out `BridgeHub.start`; gives the id, and what to wait for until it is on record."""
        session = _ready(chat)
        assert session.pairing is not None
        operation = OperationRecord(
            chat_id=chat.id,
            session_id=session.id,
            work=work,
            state=_S.RUNNING if work.purpose is None else _S.AUTHORISED,
            started_at=now,
            deadline=now + work.time,
            grant_id=grant_id,
            role=role,
        )
        if work.purpose is None:
            chat.running = operation
            self._ask(session, operation, _parameters(operation), now)
            # After the message, which is on its way by the time the database is at work.
            return operation.id, self._behind.put(lambda rows: self._store.put(rows, operation))
        if session.pairing.admin_barred:
            raise AdminBarredError
        await self._work.authorise(operation, chat.unresolved, now)
        chat.running, chat.unresolved, chat.resolve_at = operation, None, None
        self._ask(session, operation, _parameters(operation), now)
        return operation.id, None

    async def resolve(self, chat: Chat, now: datetime) -> str:
        """Carry out `BridgeHub.resolve`."""
        if chat.unresolved is None:
            raise NothingToResolveError
        session = _ready(chat)
        operation = chat.unresolved
        assert operation.permit is not None
        operation.session_id, operation.deadline = session.id, now + operation.work.time
        operation.state = after(operation.state, _H.PROVE)
        operation.nonce, operation.wire_id = new_nonce(), new_id()
        chat.running, chat.unresolved, chat.resolve_at = operation, None, None
        proof = ProvePossession(
            operation.nonce, operation.work.purpose, operation.permit.card_serial
        )
        self._ask(session, operation, proof, now)
        return operation.id

    async def resolve_soon(self, chat: Chat, now: datetime) -> None:
        """Have the card tell at once, or as soon as that is possible."""
        chat.resolve_at = now
        with suppress(BridgeError):  # tending tries again
            await self.resolve(chat, now)

    async def cancel(self, chat: Chat, now: datetime) -> bool:
        """Carry out `BridgeHub.cancel`."""
        operation = chat.running
        if operation is None or not allowed(operation.state, _H.CANCEL):
            return False
        await self._endings.cut(chat, operation, FailureCode.CANCELLED, now)
        return True

    async def bridge_gone(self, chat: Chat, fault: Fault, now: datetime) -> None:
        """End what is under way, since its bridge is the chat's no more."""
        if chat.running is not None:
            await self._endings.cut(chat, chat.running, fault, now)

    async def tend(self, chat: Chat, now: datetime) -> None:
        """End what is too late, and ask the card where nobody else tells."""
        operation, session = chat.running, chat.session
        if operation is not None:
            if session is not None and _too_long_without_link(session, now):
                await self._endings.cut(chat, operation, FailureCode.LINK_LOST, now)
            elif operation.answer_by is not None and now > operation.answer_by:
                fault = Fault.SERVER_RESTARTED if operation.restored else Fault.NO_ANSWER
                await self._endings.cut(chat, operation, fault, now)
            elif now > operation.deadline + LATE:
                await self._endings.cut(chat, operation, FailureCode.TIMED_OUT, now)
        elif chat.resolve_at is not None and now >= chat.resolve_at and _is_there(session):
            await self.resolve(chat, now)

    def _ask(
        self, session: Session, operation: OperationRecord, what: Parameters, now: datetime
    ) -> None:
        operation.asked, operation.steps, operation.answer_by = operation_of(what), 0, None
        left = ceil((operation.deadline - now).total_seconds())
        seconds = max(1, min(OPERATION_SECONDS, left))
        session.send(StartOperation(operation.wire_id, operation.asked, what, seconds))


def _parameters(operation: OperationRecord) -> Parameters:
    """Give what the bridge is asked for, once nothing else has to be known."""
    match operation.work.operation:
        case Operation.LIST_READERS:
            return ListReaders()
        case Operation.CARD_STATUS:
            return ReadCardStatus()
        case Operation.READ_CERTIFICATE:
            return ReadCertificate(operation.role)
        case Operation.CHANGE_PIN:
            return ChangePin()
        case Operation.PROVE_POSSESSION:
            operation.nonce = new_nonce()
            return ProvePossession(operation.nonce)
        case Operation.SET_PIN:
            purpose, nonce, permit = operation.work.purpose, operation.nonce, operation.permit
            assert purpose is not None
            assert nonce is not None
            assert permit is not None
            return SetPin(purpose, permit.card_serial, nonce)


def _ready(chat: Chat) -> Session:
    """Give the session to work over.

    :raises BridgeError: where there is none, or it is busy.
    """
    session = chat.session
    if session is None or session.pairing is None:
        raise NotPairedError
    if session.transport is None:
        raise NotConnectedError
    if chat.running is not None:
        raise BusyError(chat.running.work)
    return session


def _is_there(session: Session | None) -> bool:
    return session is not None and session.transport is not None


def _too_long_without_link(session: Session, now: datetime) -> bool:
    lost = session.lost_at
    return lost is not None and now - lost > timedelta(seconds=WITHOUT_LINK_SECONDS)
