"""How operations end: on record first where it matters, then in memory, then as an event.

Called with the chat's lock held.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from reader_bridge.protocol import FailureCode, FailureValues
from reader_bridge.protocol.operation_messages import CancelOperation
from services.authority.errors import AuthorityError, WrongCardError, WrongStateError
from services.bridge.events import BridgeEvent, Done, Failed, Fault, Outcome, Unresolved
from services.bridge.operations.authorisation import CardWork
from services.bridge.operations.state import Happening, OperationState, after
from services.bridge.operations.store import GoneError, OperationRecord, OperationStore
from services.bridge.sessions import Chat
from services.bridge.write_behind import WriteBehind

Events = Callable[[BridgeEvent], None]
ALARMING = frozenset({FailureCode.ADMIN_KEY_REJECTED, FailureCode.CARD_NOT_GENUINE})
PATIENCE = timedelta(seconds=15)
"""How long a bridge that comes back has to tell an end, before the card is asked."""
_S, _H = OperationState, Happening
_log = structlog.get_logger()


class Endings:
    """Ends operations."""

    def __init__(
        self, store: OperationStore, work: CardWork, behind: WriteBehind, events: Events
    ) -> None:
        self._store = store
        self._work = work
        self._behind = behind
        self._events = events

    def done(self, chat: Chat, operation: OperationRecord, value: Outcome) -> None:
        """End an ordinary operation with what it gives."""
        self._over(chat, operation, _H.VALUE)
        self._behind.put(lambda session: self._store.remove(session, operation.id))
        self._events(Done(chat.id, operation.id, operation.work, value))

    def settled(self, chat: Chat, operation: OperationRecord, done: Done) -> None:
        """End an operation that set a PIN, and is on record as done."""
        self._over(chat, operation, _H.RECEIPT)
        self._events(done)

    async def failed(
        self,
        chat: Chat,
        operation: OperationRecord,
        code: FailureCode | Fault,
        values: FailureValues | None = None,
        state: str | None = None,
        happening: Happening = _H.FAILURE,
    ) -> None:
        """End an operation that did not come about."""
        event = _failed(operation, code, values, state)
        if operation.work.purpose is None:
            self._behind.put(lambda session: self._store.remove(session, operation.id))
        else:
            with suppress(GoneError):  # it ended elsewhere; what is on record there stays
                await self._work.fail(operation, event)
        self._over(chat, operation, happening)
        self._events(event)

    async def refused(
        self, chat: Chat, operation: OperationRecord, error: AuthorityError | GoneError
    ) -> None:
        """End an operation that authority or records do not allow (any more)."""
        if isinstance(error, WrongStateError):
            await self.failed(chat, operation, Fault.WRONG_STATE, state=error.state)
        elif isinstance(error, WrongCardError):
            await self.failed(chat, operation, Fault.NOT_YOUR_CARD)
        else:
            await self.failed(chat, operation, Fault.CODE_AGAIN)

    async def alarmed(
        self, chat: Chat, operation: OperationRecord, code: FailureCode, now: datetime
    ) -> None:
        """End an operation in which card and issuer did not know each other, and tell staff."""
        assert operation.permit is not None
        event = _failed(operation, code)
        await self._work.alarm(operation, event, now)
        if chat.session is not None and chat.session.pairing is not None:
            chat.session.pairing.admin_barred = True
        _log.error(
            f"bridge_{code}",
            chat=chat.id,
            operation=operation.id,
            card=operation.permit.card_serial,
            remedy="look for a wrong master key or a forged card; kaika audit names the steps",
        )
        self._over(chat, operation, _H.FAILURE)
        self._events(event)

    async def unresolved(
        self,
        chat: Chat,
        operation: OperationRecord,
        code: FailureCode | Fault,
        now: datetime,
        values: FailureValues | None = None,
        happening: Happening = _H.DOUBT,
    ) -> None:
        """Leave an operation whose PIN may be set or not, for the card to tell."""
        if operation.recorded_state is not _S.UNRESOLVED:
            try:
                await self._work.leave_unresolved(operation, now)
            except GoneError:
                await self.refused(chat, operation, GoneError())
                return
        operation.state = after(operation.state, happening)
        operation.challenge = operation.answer_by = None
        chat.running, chat.unresolved = None, operation
        values = values or FailureValues()
        self._events(Unresolved(chat.id, operation.id, operation.work, code, values))

    async def cut(
        self, chat: Chat, operation: OperationRecord, code: FailureCode | Fault, now: datetime
    ) -> None:
        """End an operation from this side."""
        if chat.session is not None and chat.session.pairing is not None:
            chat.session.send(CancelOperation(operation.wire_id))
        at_work = operation.state in (_S.RELEASED, _S.ANSWERED)
        happening = _H.CANCEL if code is FailureCode.CANCELLED else _H.CUT
        if after(operation.state, happening) is _S.OVER:
            await self.failed(chat, operation, code, happening=happening)
            return
        await self.unresolved(chat, operation, code, now, happening=happening)
        if at_work and chat.unresolved is operation:
            chat.resolve_at = now + PATIENCE

    def _over(self, chat: Chat, operation: OperationRecord, happening: Happening) -> None:
        operation.state = after(operation.state, happening)
        if chat.running is operation:
            chat.running = None
        if chat.unresolved is operation:
            chat.unresolved, chat.resolve_at = None, None


def _failed(
    operation: OperationRecord,
    code: FailureCode | Fault,
    values: FailureValues | None = None,
    state: str | None = None,
) -> Failed:
    values = values or FailureValues()
    return Failed(operation.chat_id, operation.id, operation.work, code, values, state)
