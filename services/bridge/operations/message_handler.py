"""What the server does with each of the bridge's messages about an operation.

Called with the chat's lock held. What may happen in which state says `states`; what may not is
answered `bad_state` and has no effect. What is about an operation that is over comes too late,
and that is nobody's mistake.
"""

from datetime import datetime, timedelta

from reader_bridge.protocol import FailureCode, Operation, ProtocolError, ProtocolErrorCode
from reader_bridge.protocol.limits import CHALLENGE_SECONDS, MAX_PROGRESS_MESSAGES
from reader_bridge.protocol.operation_messages import (
    AdminAnswer,
    AdminChallenge,
    AdminCryptogram,
    AdminVerified,
    CancelOperation,
    ErrorMessage,
    OperationFailure,
    OperationProgress,
    OperationResult,
)
from reader_bridge.protocol.operations import Receipt
from services.authority.errors import AuthorityError
from services.bridge.events import Fault, Possession, Waiting
from services.bridge.operations import admin_authentication
from services.bridge.operations.authorisation import CardWork
from services.bridge.operations.completion import ALARMING, Endings, Events
from services.bridge.operations.possession_proof import receipt_is_right
from services.bridge.operations.start import Operations
from services.bridge.operations.state import Happening, OperationState, after, allowed
from services.bridge.operations.store import GoneError, OperationRecord
from services.bridge.operations.task import Work
from services.bridge.sessions import Chat, Session

FromOperation = (
    OperationProgress | AdminChallenge | AdminAnswer | OperationResult | OperationFailure
)
_IN_DOUBT = frozenset(
    {
        FailureCode.OUTCOME_UNKNOWN,
        FailureCode.PIN_SET_UNPROVED,
        FailureCode.CARD_RESPONSE_INVALID,
        FailureCode.INTERNAL_ERROR,
    }
)
"""After the cryptogram, these leave open whether the PIN is set; all others say that it is not."""
_S, _H = OperationState, Happening


class Answers:
    """Takes what bridges say about operations."""

    def __init__(
        self,
        work: CardWork,
        operations: Operations,
        endings: Endings,
        origin: str,
        events: Events,
    ) -> None:
        self._work = work
        self._operations = operations
        self._endings = endings
        self._origin = origin
        self._events = events

    async def take(
        self, chat: Chat, session: Session, message: FromOperation, now: datetime
    ) -> None:
        """Take one message.

        :raises ProtocolError: for a result of another kind than was asked for.
        """
        operation = _meant(chat, session, message.operation_id)
        if operation is None:
            return
        match message:
            case OperationProgress():
                self._progress(chat, operation, message)
            case AdminChallenge():
                await self._challenge(chat, session, operation, message, now)
            case AdminAnswer():
                await self._answer(chat, session, operation, message, now)
            case OperationResult():
                await self._result(chat, session, operation, message, now)
            case OperationFailure():
                await self._failure(chat, operation, message, now)

    def _progress(self, chat: Chat, operation: OperationRecord, message: OperationProgress) -> None:
        operation.steps += 1
        if operation.steps > MAX_PROGRESS_MESSAGES:
            raise ProtocolError(field="progress")
        event = Waiting(chat.id, operation.id, operation.work, message.step, message.tries_left)
        self._events(event)

    async def _challenge(
        self,
        chat: Chat,
        session: Session,
        operation: OperationRecord,
        message: AdminChallenge,
        now: datetime,
    ) -> None:
        if not _may(session, operation, _H.CHALLENGE):
            return
        assert operation.permit is not None
        if now > operation.deadline:
            await self._endings.cut(chat, operation, FailureCode.TIMED_OUT, now)
            return
        if message.card_serial != operation.permit.card_serial:
            await self._endings.cut(chat, operation, Fault.NOT_YOUR_CARD, now)
            return
        challenge = admin_authentication.AdminChallenge(
            message.host_challenge, message.card_challenge
        )
        try:
            cryptogram = await self._work.release(operation, challenge, now)
        except (AuthorityError, GoneError) as error:
            session.send(CancelOperation(operation.wire_id))
            await self._endings.refused(chat, operation, error)
            return
        operation.state = after(operation.state, _H.CHALLENGE)
        operation.challenge = challenge
        operation.answer_by = now + timedelta(seconds=CHALLENGE_SECONDS)
        session.send(AdminCryptogram(operation.wire_id, cryptogram))

    async def _answer(
        self,
        chat: Chat,
        session: Session,
        operation: OperationRecord,
        message: AdminAnswer,
        now: datetime,
    ) -> None:
        if not _may(session, operation, _H.ANSWER):
            return
        if self._work.answer_is_right(operation, message.answer):
            operation.state = after(operation.state, _H.ANSWER)
            operation.challenge = operation.answer_by = None
            session.send(AdminVerified(operation.wire_id, True))
            return
        await self._endings.alarmed(chat, operation, FailureCode.CARD_NOT_GENUINE, now)
        session.send(AdminVerified(operation.wire_id, False))

    async def _result(
        self,
        chat: Chat,
        session: Session,
        operation: OperationRecord,
        message: OperationResult,
        now: datetime,
    ) -> None:
        if message.operation is not operation.asked:
            raise ProtocolError(field="operation")
        value = message.value
        if operation.state is _S.RUNNING:
            await self._value(chat, operation, message)
        elif isinstance(value, Receipt) and _takes_receipt(session, operation):
            await self._receipt(chat, operation, value, message.operation, now)

    async def _value(
        self, chat: Chat, operation: OperationRecord, message: OperationResult
    ) -> None:
        value = message.value
        if not isinstance(value, Receipt):
            self._endings.done(chat, operation, value)
            return
        assert operation.nonce is not None
        if receipt_is_right(
            value, value.certificate, self._origin, message.operation, operation.nonce
        ):
            possession = Possession(value.card_serial, value.certificate)
            self._endings.done(chat, operation, possession)
        else:
            await self._endings.failed(chat, operation, Fault.RECEIPT_WRONG)

    async def _receipt(
        self,
        chat: Chat,
        operation: OperationRecord,
        receipt: Receipt,
        proved_by: Operation,
        now: datetime,
    ) -> None:
        try:
            done = await self._work.settle(operation, receipt, proved_by, now)
        except (AuthorityError, GoneError) as error:
            await self._endings.refused(chat, operation, error)
            return
        if done is not None:
            self._endings.settled(chat, operation, done)
        elif operation.state is _S.AUTHORISED:
            await self._endings.failed(chat, operation, Fault.RECEIPT_WRONG)
        else:
            await self._endings.unresolved(chat, operation, Fault.RECEIPT_WRONG, now)

    async def _failure(
        self, chat: Chat, operation: OperationRecord, message: OperationFailure, now: datetime
    ) -> None:
        code, values = _reason(operation, message.code), message.values
        if operation.state is _S.PROVING:
            if code is FailureCode.PIN_BLOCKED:
                await self._endings.failed(chat, operation, Fault.NOT_DONE)
            else:
                await self._endings.unresolved(chat, operation, code, now, values)
        elif operation.state not in (_S.RELEASED, _S.ANSWERED, _S.UNRESOLVED):
            await self._endings.failed(chat, operation, code, values)
        elif message.code in ALARMING:
            await self._endings.alarmed(chat, operation, message.code, now)
        elif code in _IN_DOUBT:
            await self._endings.unresolved(chat, operation, code, now, values)
            await self._operations.resolve_soon(chat, now)
        else:
            await self._endings.failed(chat, operation, code, values)


def _meant(chat: Chat, session: Session, wire_id: str) -> OperationRecord | None:
    """Give the operation a message is about; one that was cut off may still be told the end of."""
    for operation in (chat.running, chat.unresolved):
        ours = operation is not None and operation.session_id == session.id
        if ours and operation is not None and operation.wire_id == wire_id:
            return operation
    return None


def _reason(operation: OperationRecord, code: FailureCode) -> FailureCode | Fault:
    """Give why it ended: to a bridge the death of our process is a link that was lost."""
    was_killed = operation.restored and code is FailureCode.LINK_LOST
    return Fault.SERVER_RESTARTED if was_killed else code


def _may(session: Session, operation: OperationRecord, happening: Happening) -> bool:
    """Tell whether something may happen now; where not, the bridge is told."""
    if allowed(operation.state, happening):
        return True
    session.send(ErrorMessage(ProtocolErrorCode.BAD_STATE))
    return False


def _takes_receipt(session: Session, operation: OperationRecord) -> bool:
    """Tell whether a receipt may end the operation now.

    Without a cryptogram only where it unlocks: by the PUK, which the issuer gave the person.
    """
    if operation.state is _S.AUTHORISED and operation.work is not Work.UNLOCK:
        session.send(ErrorMessage(ProtocolErrorCode.BAD_STATE))
        return False
    return _may(session, operation, _H.RECEIPT)
