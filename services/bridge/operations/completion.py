"""Ending operations: first in the database where it matters, then in memory, then as an event.

Every method is called with the chat's lock held.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from reader_bridge.protocol import FailureCode, FailureValues
from reader_bridge.protocol.operation_messages import CancelOperation
from services.authority.errors import AuthorityError, WrongCardError, WrongStateError
from services.bridge.events import (
    BridgeEvent,
    CardTaskFailed,
    CardTaskSucceeded,
    CardTaskUnresolved,
    CardTaskValue,
    ServerFailure,
)
from services.bridge.operations.authorisation import PinAuthorisation
from services.bridge.operations.state import OperationState, Trigger, next_state
from services.bridge.operations.store import OperationGoneError, OperationRecord, OperationStore
from services.bridge.sessions import HubChat
from services.bridge.write_behind import WriteBehind
from services.clock import steady_time

Publish = Callable[[BridgeEvent], None]
ALARM_CODES = frozenset({FailureCode.ADMIN_KEY_REJECTED, FailureCode.CARD_NOT_GENUINE})
ANSWER_DELAY = timedelta(seconds=15)
"""How long a bridge that reconnects has to report an outcome, before the card is asked."""
STOP_DELAY = timedelta(seconds=20)
"""How long a bridge has to report how an operation ended that was stopped; a command that was on
its way to the card takes at most 15 s."""
_S, _T = OperationState, Trigger
_LAST_WORDS = frozenset({FailureCode.LINK_LOST, ServerFailure.UNPAIRED, ServerFailure.REPLACED})
"""Reasons after which a bridge that is not connected reports nothing more."""
_log = structlog.get_logger()


class OperationCompletion:
    """Ends operations."""

    def __init__(
        self,
        store: OperationStore,
        authorisation: PinAuthorisation,
        write_behind: WriteBehind,
        publish: Publish,
    ) -> None:
        self._store = store
        self._authorisation = authorisation
        self._write_behind = write_behind
        self._publish = publish

    def succeed(self, chat: HubChat, operation: OperationRecord, value: CardTaskValue) -> None:
        """End an operation that sets no PIN with its value."""
        self._finish(chat, operation, _T.VALUE)
        about = (chat.id, operation.id, operation.task)
        event = CardTaskSucceeded(*about, value, operation.is_cancelled)
        self._record_later(operation, event)
        self._publish(event)

    def publish_pin_set(
        self, chat: HubChat, operation: OperationRecord, succeeded: CardTaskSucceeded
    ) -> None:
        """End an operation that set a PIN, and is recorded as successful already."""
        self._finish(chat, operation, _T.RECEIPT)
        self._publish(succeeded)

    async def fail(
        self,
        chat: HubChat,
        operation: OperationRecord,
        code: FailureCode | ServerFailure,
        values: FailureValues | None = None,
        state: str | None = None,
        trigger: Trigger = _T.FAILURE,
    ) -> None:
        """End an operation without success; the PIN is as it was."""
        event = _failed_event(operation, code, values, state)
        if operation.task.purpose is None:
            self._record_later(operation, event)
        else:
            with suppress(OperationGoneError):  # it ended elsewhere; that record stays
                await self._authorisation.record_failure(operation, event)
        self._finish(chat, operation, trigger)
        self._publish(event)

    async def fail_unanswered(self, chat: HubChat, operation: OperationRecord) -> None:
        """End an operation that was stopped, and of which the bridge did not report the end.

        One that connects to a restarted server reports what it did immediately, or did nothing.
        """
        is_connected = chat.session is not None and chat.session.transport is not None
        is_undone = operation.restored and is_connected
        code = ServerFailure.SERVER_RESTARTED if is_undone else ServerFailure.UNCONFIRMED
        await self.fail(chat, operation, code, trigger=_T.ABORT)

    async def fail_refused(
        self, chat: HubChat, operation: OperationRecord, error: AuthorityError | OperationGoneError
    ) -> None:
        """End an operation that authority or records no longer allow."""
        if isinstance(error, WrongStateError):
            await self.fail(chat, operation, ServerFailure.WRONG_STATE, state=error.state)
        elif isinstance(error, WrongCardError):
            await self.fail(chat, operation, ServerFailure.NOT_YOUR_CARD)
        else:
            await self.fail(chat, operation, ServerFailure.CODE_AGAIN)

    async def fail_with_alarm(
        self, chat: HubChat, operation: OperationRecord, code: FailureCode, now: datetime
    ) -> None:
        """End an operation in which card or issuer failed to authenticate, and log it for staff."""
        assert operation.permit is not None
        event = _failed_event(operation, code)
        await self._authorisation.record_alarm(operation, event, now)
        if chat.session is not None and chat.session.pairing is not None:
            chat.session.pairing.admin_barred = True
        _log.error(
            f"bridge_{code}",
            chat=chat.id,
            operation=operation.id,
            card=operation.permit.card_serial,
            remedy="look for a wrong master key or a forged card; kaika audit names the steps",
        )
        self._finish(chat, operation, _T.FAILURE)
        self._publish(event)

    async def leave_unresolved(
        self,
        chat: HubChat,
        operation: OperationRecord,
        code: FailureCode | ServerFailure,
        now: datetime,
        values: FailureValues | None = None,
        trigger: Trigger = _T.DOUBT,
        *,
        waits_for_person: bool = False,
    ) -> None:
        """Keep an operation whose PIN may or may not be set, for the card to report.

        :param waits_for_person: the card is asked only when the person wants it.
        """
        if operation.recorded_state is not _S.UNRESOLVED:
            try:
                await self._authorisation.record_unresolved(operation, now)
            except OperationGoneError:
                await self.fail_refused(chat, operation, OperationGoneError())
                return
        operation.state = next_state(operation.state, trigger)
        operation.challenge = operation.answer_by = None
        chat.running, chat.unresolved = None, operation
        values = values or FailureValues()
        about = (chat.id, operation.id, operation.task)
        self._publish(CardTaskUnresolved(*about, code, values, waits_for_person))

    async def abort(
        self,
        chat: HubChat,
        operation: OperationRecord,
        code: FailureCode | ServerFailure,
        now: datetime,
        *,
        is_bridge_done: bool = False,
    ) -> None:
        """End an operation from the server's side.

        Where the PC may be setting a PIN by itself, the bridge first reports how it ended.

        :param is_bridge_done: the bridge reports nothing further.
        """
        if chat.session is not None and chat.session.pairing is not None:
            chat.session.send(CancelOperation(operation.request_id))
        if operation.task.can_set_pin_alone and operation.is_at_pc:
            if not is_bridge_done:
                await self._stop(chat, operation, code, now)
                return
            if operation.has_progress:  # it reached the person, and how it ended was not said
                code = ServerFailure.UNCONFIRMED
        is_setting_pin = operation.state in (_S.RELEASED, _S.ANSWERED)
        trigger = _T.CANCEL if code is FailureCode.CANCELLED else _T.ABORT
        if next_state(operation.state, trigger) is _S.OVER:
            await self.fail(chat, operation, code, trigger=trigger)
            return
        # Of a card that was being asked, the next connection or pairing asks again by itself.
        waits = operation.state is _S.PROVING and code not in _LAST_WORDS
        await self.leave_unresolved(
            chat, operation, code, now, trigger=trigger, waits_for_person=waits
        )
        if is_setting_pin and chat.unresolved is operation:
            chat.resolve_at = steady_time(now) + ANSWER_DELAY

    def withhold_verification(
        self, chat: HubChat, operation: OperationRecord, now: datetime
    ) -> None:
        """Ask the bridge to stop before the card gets its new PIN.

        It gets that only once the server says that the card is genuine, which is no longer said.
        """
        if not operation.is_cancelled and chat.session is not None:
            chat.session.send(CancelOperation(operation.request_id))
            operation.stop_code = FailureCode.CANCELLED
            operation.answer_by = steady_time(now) + STOP_DELAY

    async def _stop(
        self,
        chat: HubChat,
        operation: OperationRecord,
        code: FailureCode | ServerFailure,
        now: datetime,
    ) -> None:
        """Wait for the bridge to report how an operation ended that it was asked to stop."""
        is_connected = chat.session is not None and chat.session.transport is not None
        if code in _LAST_WORDS and not is_connected:
            await self.fail_unanswered(chat, operation)
            return
        if operation.state is not _S.STOPPING:
            if operation.task.purpose is not None:
                try:
                    await self._authorisation.record_stopping(operation)
                except OperationGoneError as error:
                    await self.fail_refused(chat, operation, error)
                    return
            operation.state = next_state(operation.state, _T.STOP)
            operation.stop_code = code
        operation.answer_by = steady_time(now) + STOP_DELAY

    def _record_later(
        self, operation: OperationRecord, end: CardTaskSucceeded | CardTaskFailed
    ) -> None:
        """Write how it ended until the chat has shown it, or delete what only reads."""
        if operation.task.can_change_pin:
            self._write_behind.enqueue(lambda rows: self._store.keep_end(rows, operation.id, end))
        else:
            self._write_behind.enqueue(lambda rows: self._store.delete(rows, operation.id))

    def _finish(self, chat: HubChat, operation: OperationRecord, trigger: Trigger) -> None:
        operation.state = next_state(operation.state, trigger)
        if chat.running is operation:
            chat.running = None
        if chat.unresolved is operation:
            chat.unresolved, chat.resolve_at = None, None


def _failed_event(
    operation: OperationRecord,
    code: FailureCode | ServerFailure,
    values: FailureValues | None = None,
    state: str | None = None,
) -> CardTaskFailed:
    values, about = values or FailureValues(), (operation.chat_id, operation.id, operation.task)
    return CardTaskFailed(*about, code, values, state, operation.is_cancelled)
