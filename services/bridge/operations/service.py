"""Starting, cancelling and resolving card operations.

Every method is called with the chat's lock held.
"""

from asyncio import Future
from contextlib import suppress
from datetime import datetime, timedelta
from math import ceil

from reader_bridge.protocol import FailureCode, KeyRole, Operation
from reader_bridge.protocol.limits import OPERATION_SECONDS, WITHOUT_LINK_SECONDS
from reader_bridge.protocol.operation_messages import StartOperation
from reader_bridge.protocol.operation_payloads import (
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
    NotConnectedError,
    NothingToResolveError,
    NotPairedError,
    OperationRunningError,
)
from services.bridge.events import ServerFailure
from services.bridge.interface import CancelResult
from services.bridge.operations.authorisation import PinAuthorisation
from services.bridge.operations.card_task import DEADLINE_GRACE, CardTask
from services.bridge.operations.completion import OperationCompletion
from services.bridge.operations.state import OperationState, Trigger, is_allowed, next_state
from services.bridge.operations.store import OperationRecord, OperationStore
from services.bridge.sessions import HubChat, HubSession
from services.bridge.write_behind import WriteBehind
from services.clock import steady_time
from services.ids import new_id, new_nonce

_S, _T = OperationState, Trigger


class OperationService:
    """Starts operations, and ends them from the server's side."""

    def __init__(
        self,
        store: OperationStore,
        authorisation: PinAuthorisation,
        write_behind: WriteBehind,
        completion: OperationCompletion,
    ) -> None:
        self._store = store
        self._authorisation = authorisation
        self._write_behind = write_behind
        self._completion = completion

    async def start(
        self, chat: HubChat, task: CardTask, now: datetime, grant_id: str | None, role: KeyRole
    ) -> tuple[str, Future[None] | None]:
        """Start an operation; see `BridgeHub.start`.

        :returns: its id, and a future that is done once its row is written, if not already.
        """
        session = _require_session(chat)
        assert session.pairing is not None
        operation = OperationRecord(
            chat_id=chat.id,
            session_id=session.id,
            task=task,
            state=_S.RUNNING if task.purpose is None else _S.AUTHORISED,
            started_at=now,
            deadline=steady_time(now) + task.time_limit,
            grant_id=grant_id,
            role=role,
        )
        if task.purpose is None:
            chat.running = operation
            self._send_start(session, operation, _parameters(operation), now)
            # After sending, so that the bridge does not wait for the database.
            return operation.id, self._write_behind.enqueue(
                lambda rows: self._store.add(rows, operation)
            )
        if session.pairing.admin_barred:
            raise AdminBarredError
        await self._authorisation.authorise(operation, chat.unresolved, now)
        chat.running, chat.unresolved, chat.resolve_at = operation, None, None
        self._send_start(session, operation, _parameters(operation), now)
        return operation.id, None

    async def resolve(self, chat: HubChat, now: datetime) -> str:
        """Ask the card for the outcome of the unresolved operation; see `BridgeHub.resolve`."""
        if chat.unresolved is None:
            raise NothingToResolveError
        session = _require_session(chat)
        operation = chat.unresolved
        assert operation.permit is not None
        operation.session_id = session.id
        operation.deadline = steady_time(now) + operation.task.time_limit
        operation.state = next_state(operation.state, _T.PROVE)
        operation.nonce, operation.request_id = new_nonce(), new_id()
        chat.running, chat.unresolved, chat.resolve_at = operation, None, None
        proof = ProvePossession(
            operation.nonce, operation.task.purpose, operation.permit.card_serial
        )
        self._send_start(session, operation, proof, now)
        return operation.id

    async def resolve_soon(self, chat: HubChat, now: datetime) -> None:
        """Resolve now, or as soon as the bridge allows it."""
        chat.resolve_at = steady_time(now)
        with suppress(BridgeError):  # `check_deadlines` tries again
            await self.resolve(chat, now)

    async def cancel(self, chat: HubChat, now: datetime) -> CancelResult:
        """Cancel the running operation; see `BridgeHub.cancel`."""
        operation = chat.running
        if operation is None:
            return CancelResult.NOTHING_RUNNING
        if operation.state is _S.RELEASED:
            self._completion.withhold_verification(chat, operation, now)
            return CancelResult.REQUESTED
        if operation.state is not _S.STOPPING:
            if not is_allowed(operation.state, _T.CANCEL):
                return CancelResult.TOO_LATE
            await self._completion.abort(chat, operation, FailureCode.CANCELLED, now)
        return CancelResult.CANCELLED if chat.running is None else CancelResult.REQUESTED

    async def abort_running(
        self, chat: HubChat, failure: ServerFailure, now: datetime, *, is_bridge_done: bool = False
    ) -> None:
        """End the running operation, since its bridge is no longer paired with the chat.

        :param is_bridge_done: the bridge reports nothing further.
        """
        operation, session = chat.running, chat.session
        if operation is None:
            return
        is_of_other = session is not None and operation.session_id != session.id
        if operation.state is _S.STOPPING and is_of_other:
            return  # the bridge that was replaced still reports how it ended
        await self._completion.abort(chat, operation, failure, now, is_bridge_done=is_bridge_done)

    async def check_deadlines(self, chat: HubChat, now: datetime) -> None:
        """End the running operation when it is overdue; resolve an unresolved one when due."""
        operation, session, steady = chat.running, chat.session, steady_time(now)
        if operation is not None and operation.state is _S.STOPPING:
            if _is_answer_overdue(operation, session, steady):
                await self._completion.fail_unanswered(chat, operation)
        elif operation is not None:
            if session is not None and _is_lost_too_long(session, steady):
                await self._completion.abort(chat, operation, FailureCode.LINK_LOST, now)
            elif operation.answer_by is not None and steady > operation.answer_by:
                failure = ServerFailure.NO_ANSWER
                if operation.restored:
                    failure = ServerFailure.SERVER_RESTARTED
                await self._completion.abort(
                    chat, operation, failure, now, is_bridge_done=operation.restored
                )
            elif steady > operation.deadline + DEADLINE_GRACE:
                await self._completion.abort(chat, operation, FailureCode.TIMED_OUT, now)
        elif chat.resolve_at is not None and steady >= chat.resolve_at and _is_connected(session):
            await self.resolve(chat, now)

    def _send_start(
        self, session: HubSession, operation: OperationRecord, parameters: Parameters, now: datetime
    ) -> None:
        operation.requested, operation.answer_by = operation_of(parameters), None
        operation.has_progress, operation.waiting_progress = False, None
        left = ceil((operation.deadline - steady_time(now)).total_seconds())
        seconds = max(1, min(OPERATION_SECONDS, left))
        session.send(StartOperation(operation.request_id, operation.requested, parameters, seconds))


def _parameters(operation: OperationRecord) -> Parameters:
    """The parameters of the request to the bridge."""
    match operation.task.operation:
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
            purpose, nonce, permit = operation.task.purpose, operation.nonce, operation.permit
            assert purpose is not None
            assert nonce is not None
            assert permit is not None
            return SetPin(purpose, permit.card_serial, nonce)


def _require_session(chat: HubChat) -> HubSession:
    """The session to start an operation over.

    :raises BridgeError: where there is none, or an operation is running.
    """
    session = chat.session
    if session is None or session.pairing is None:
        raise NotPairedError
    if session.transport is None:
        raise NotConnectedError
    if chat.running is not None:
        raise OperationRunningError(chat.running.task)
    return session


def _is_answer_overdue(
    operation: OperationRecord, session: HubSession | None, now: datetime
) -> bool:
    """Whether the bridge had its time to report how an operation ended that was stopped."""
    if session is not None and session.id == operation.session_id and session.transport is None:
        return _is_lost_too_long(session, now)
    return operation.answer_by is None or now > operation.answer_by


def _is_connected(session: HubSession | None) -> bool:
    return session is not None and session.transport is not None


def _is_lost_too_long(session: HubSession, steady: datetime) -> bool:
    lost = session.lost_at
    return lost is not None and steady - lost > timedelta(seconds=WITHOUT_LINK_SECONDS)
