"""Handling of a bridge's messages about operations.

Every method is called with the chat's lock held. `state` says what is allowed in which state; what
is not allowed is answered with `bad_state` and has no effect. Messages about an operation that is
over are ignored, since they may have been on their way when it ended.
"""

from datetime import datetime, timedelta

from reader_bridge.protocol import FailureCode, Operation, ProtocolError, ProtocolErrorCode
from reader_bridge.protocol.limits import CHALLENGE_SECONDS
from reader_bridge.protocol.operation_messages import (
    AdminAnswer,
    AdminChallenge,
    AdminCryptogram,
    AdminVerified,
    CancelOperation,
    ErrorMessage,
    OperationFailure,
    OperationResult,
    ProgressReport,
)
from reader_bridge.protocol.operation_payloads import Receipt
from services.authority.errors import AuthorityError
from services.bridge.events import CardTaskProgressed, ProvenPossession, ServerFailure
from services.bridge.operations import admin_authentication
from services.bridge.operations.authorisation import PinAuthorisation
from services.bridge.operations.card_task import CardTask
from services.bridge.operations.completion import ALARM_CODES, OperationCompletion, Publish
from services.bridge.operations.possession_proof import verify_receipt
from services.bridge.operations.service import OperationService
from services.bridge.operations.state import OperationState, Trigger, is_allowed, next_state
from services.bridge.operations.store import OperationGoneError, OperationRecord
from services.bridge.sessions import HubChat, HubSession
from services.clock import steady_time

OperationMessage = (
    ProgressReport | AdminChallenge | AdminAnswer | OperationResult | OperationFailure
)
_INCONCLUSIVE = frozenset(
    {
        FailureCode.OUTCOME_UNKNOWN,
        FailureCode.PIN_SET_UNPROVED,
        FailureCode.CARD_RESPONSE_INVALID,
        FailureCode.INTERNAL_ERROR,
    }
)
"""After the cryptogram, these leave open whether the PIN is set; all others mean that it is not."""
_STOPPED = frozenset({FailureCode.CANCELLED, FailureCode.LINK_LOST, FailureCode.TIMED_OUT})
"""What a bridge reports of an operation that was stopped before it changed anything."""
_S, _T = OperationState, Trigger


class OperationMessageHandler:
    """Handles the messages about operations."""

    def __init__(
        self,
        authorisation: PinAuthorisation,
        operations: OperationService,
        completion: OperationCompletion,
        origin: str,
        publish: Publish,
    ) -> None:
        self._authorisation = authorisation
        self._operations = operations
        self._completion = completion
        self._origin = origin
        self._publish = publish

    async def handle(
        self, chat: HubChat, session: HubSession, message: OperationMessage, now: datetime
    ) -> None:
        """Handle one message.

        :raises ProtocolError: for a result of another operation than was requested.
        """
        operation = _find_operation(chat, session, message.operation_id)
        if operation is None:
            return
        is_end = isinstance(message, OperationResult | OperationFailure)
        if operation.state is _S.STOPPING and not is_end:
            return  # it was on its way when the bridge was asked to stop
        match message:
            case ProgressReport():
                self._on_progress(chat, operation, message, now)
            case AdminChallenge():
                await self._on_challenge(chat, session, operation, message, now)
            case AdminAnswer():
                await self._on_answer(chat, session, operation, message, now)
            case OperationResult():
                await self._on_result(chat, session, operation, message, now)
            case OperationFailure():
                await self._on_failure(chat, operation, message, now)

    def publish_waiting_progress(self, chat: HubChat, now: datetime) -> None:
        """Publish the progress that had to wait, since too much came before it."""
        operation = chat.running
        if operation is None or operation.state is _S.STOPPING:
            return
        progress = operation.waiting_progress
        if progress is None or operation.progress_throttle.next_delay(steady_time(now).timestamp()):
            return
        operation.waiting_progress = None
        progressed = CardTaskProgressed(
            chat.id, operation.id, operation.task, progress.step, progress.tries_left
        )
        self._publish(progressed)

    def _on_progress(
        self, chat: HubChat, operation: OperationRecord, message: ProgressReport, now: datetime
    ) -> None:
        operation.has_progress, operation.waiting_progress = True, message
        if operation is chat.running:
            self.publish_waiting_progress(chat, now)

    async def _on_challenge(
        self,
        chat: HubChat,
        session: HubSession,
        operation: OperationRecord,
        message: AdminChallenge,
        now: datetime,
    ) -> None:
        if not _check_allowed(session, operation, _T.CHALLENGE):
            return
        assert operation.permit is not None
        if steady_time(now) > operation.deadline:
            await self._completion.abort(chat, operation, FailureCode.TIMED_OUT, now)
            return
        if message.card_serial != operation.permit.card_serial:
            await self._completion.abort(chat, operation, ServerFailure.NOT_YOUR_CARD, now)
            return
        challenge = admin_authentication.AuthenticationChallenge(
            message.host_challenge, message.card_challenge
        )
        try:
            cryptogram = await self._authorisation.release_cryptogram(operation, challenge, now)
        except (AuthorityError, OperationGoneError) as error:
            session.send(CancelOperation(operation.request_id))
            await self._completion.fail_refused(chat, operation, error)
            return
        operation.state = next_state(operation.state, _T.CHALLENGE)
        operation.challenge = challenge
        operation.answer_by = steady_time(now) + timedelta(seconds=CHALLENGE_SECONDS)
        session.send(AdminCryptogram(operation.request_id, cryptogram))

    async def _on_answer(
        self,
        chat: HubChat,
        session: HubSession,
        operation: OperationRecord,
        message: AdminAnswer,
        now: datetime,
    ) -> None:
        if not _check_allowed(session, operation, _T.ANSWER) or operation.is_cancelled:
            return
        if self._authorisation.verify_answer(operation, message.answer):
            operation.state = next_state(operation.state, _T.ANSWER)
            operation.challenge = operation.answer_by = None
            session.send(AdminVerified(operation.request_id, True))
            return
        await self._completion.fail_with_alarm(chat, operation, FailureCode.CARD_NOT_GENUINE, now)
        session.send(AdminVerified(operation.request_id, False))

    async def _on_result(
        self,
        chat: HubChat,
        session: HubSession,
        operation: OperationRecord,
        message: OperationResult,
        now: datetime,
    ) -> None:
        if message.operation is not operation.requested:
            raise ProtocolError(field="operation")
        value = message.value
        if operation.task.purpose is None:
            await self._on_value(chat, operation, message)
        elif isinstance(value, Receipt) and _check_receipt_allowed(session, operation):
            await self._on_receipt(chat, operation, value, message.operation, now)

    async def _on_value(
        self, chat: HubChat, operation: OperationRecord, message: OperationResult
    ) -> None:
        value = message.value
        if not isinstance(value, Receipt):
            self._completion.succeed(chat, operation, value)
            return
        assert operation.nonce is not None
        if verify_receipt(
            value, value.certificate, self._origin, message.operation, operation.nonce
        ):
            possession = ProvenPossession(value.card_serial, value.certificate)
            self._completion.succeed(chat, operation, possession)
        else:
            await self._completion.fail(chat, operation, ServerFailure.RECEIPT_WRONG)

    async def _on_receipt(
        self,
        chat: HubChat,
        operation: OperationRecord,
        receipt: Receipt,
        proved_by: Operation,
        now: datetime,
    ) -> None:
        try:
            succeeded = await self._authorisation.complete(operation, receipt, proved_by, now)
        except (AuthorityError, OperationGoneError) as error:
            await self._completion.fail_refused(chat, operation, error)
            return
        if succeeded is not None:
            self._completion.publish_pin_set(chat, operation, succeeded)
        elif operation.state in (_S.AUTHORISED, _S.STOPPING):
            await self._completion.fail(chat, operation, ServerFailure.RECEIPT_WRONG)
        else:
            await self._completion.leave_unresolved(
                chat, operation, ServerFailure.RECEIPT_WRONG, now, waits_for_person=True
            )

    async def _on_failure(
        self, chat: HubChat, operation: OperationRecord, message: OperationFailure, now: datetime
    ) -> None:
        code, values = _failure_reason(operation, message.code), message.values
        if operation.state is _S.PROVING:
            if code is FailureCode.PIN_BLOCKED:
                await self._completion.fail(chat, operation, ServerFailure.NOT_DONE)
            else:
                await self._completion.leave_unresolved(
                    chat, operation, code, now, values, waits_for_person=True
                )
        elif operation.state not in (_S.RELEASED, _S.ANSWERED, _S.UNRESOLVED):
            await self._completion.fail(chat, operation, code, values)
        elif message.code in ALARM_CODES:
            await self._completion.fail_with_alarm(chat, operation, message.code, now)
        elif code in _INCONCLUSIVE:
            await self._completion.leave_unresolved(chat, operation, code, now, values)
            await self._operations.resolve_soon(chat, now)
        else:
            await self._completion.fail(chat, operation, code, values)


def _find_operation(chat: HubChat, session: HubSession, request_id: str) -> OperationRecord | None:
    """Find the operation a message is about; the outcome of an unresolved one may still arrive."""
    for operation in (chat.running, chat.unresolved):
        if operation is None:
            continue
        if operation.session_id == session.id and operation.request_id == request_id:
            return operation
    return None


def _failure_reason(operation: OperationRecord, code: FailureCode) -> FailureCode | ServerFailure:
    """The reason to report: a bridge sees a restart of the server as a lost connection."""
    if operation.stop_code is not None and code in _STOPPED:
        return operation.stop_code
    was_killed = operation.restored and code is FailureCode.LINK_LOST
    return ServerFailure.SERVER_RESTARTED if was_killed else code


def _check_allowed(session: HubSession, operation: OperationRecord, trigger: Trigger) -> bool:
    """Whether the state allows a trigger; answer `bad_state` where it does not."""
    if is_allowed(operation.state, trigger):
        return True
    session.send(ErrorMessage(ProtocolErrorCode.BAD_STATE))
    return False


def _check_receipt_allowed(session: HubSession, operation: OperationRecord) -> bool:
    """Whether a receipt may end the operation now; answer `bad_state` where it may not.

    Without a cryptogram it may for unlocking only, which the person's own PUK can do.
    """
    if operation.state is _S.AUTHORISED and operation.task is not CardTask.UNLOCK:
        session.send(ErrorMessage(ProtocolErrorCode.BAD_STATE))
        return False
    return _check_allowed(session, operation, _T.RECEIPT)
