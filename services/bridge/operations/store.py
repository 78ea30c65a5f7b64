"""Operations in memory, and their rows for a restart."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from reader_bridge.protocol import FailureCode, FailureValues, KeyRole, Operation
from reader_bridge.protocol.operation_messages import ProgressReport
from reader_bridge.protocol.operation_payloads import PinChanged
from reader_bridge.protocol.progress_throttle import ProgressThrottle
from services.authority.data_types import CardPermit
from services.bridge.events import CardTaskFailed, CardTaskSucceeded, PinSetResult, ServerFailure
from services.bridge.models import CryptogramReleaseRow, OperationRow
from services.bridge.operations.admin_authentication import AuthenticationChallenge
from services.bridge.operations.card_task import CardTask
from services.bridge.operations.state import OperationState
from services.ids import new_id
from services.storage.database import insert_or_ignore

_RECORDED = {
    OperationState.ANSWERED: OperationState.RELEASED,
    OperationState.PROVING: OperationState.UNRESOLVED,
}
"""States that are not written: a restart treats both alike, and a commit between two commands to
the card costs time."""
RETENTION = timedelta(days=1)
"""How long an unacknowledged end or an unresolved operation is kept."""
OperationEnd = CardTaskSucceeded | CardTaskFailed


@dataclass
class OperationRecord:
    """One operation, in memory.

    :ivar permit: the authority's permission, from *authorised* on.
    :ivar nonce: the server's part of the statement that its receipt signs.
    :ivar request_id: the id of the latest request to the bridge.
    :ivar requested: the operation of that request.
    :ivar challenge: of the authentication in progress.
    :ivar answer_by: when the bridge's next message is due, if before the deadline.
    :ivar has_progress: the bridge has reported some of that request.
    :ivar waiting_progress: the newest that is not passed on yet.
    :ivar role: whose certificate is read.
    :ivar restored: it was read from the database: an earlier process started it.
    :ivar stop_code: why it was stopped, where the bridge was asked to.
    """

    chat_id: int
    session_id: str
    task: CardTask
    state: OperationState
    started_at: datetime
    deadline: datetime
    id: str = field(default_factory=new_id)
    grant_id: str | None = None
    permit: CardPermit | None = None
    nonce: bytes | None = None
    request_id: str = ""
    requested: Operation | None = None
    challenge: AuthenticationChallenge | None = None
    answer_by: datetime | None = None
    has_progress: bool = False
    waiting_progress: ProgressReport | None = None
    progress_throttle: ProgressThrottle = field(default_factory=ProgressThrottle)
    role: KeyRole = KeyRole.AUTHENTICATION
    restored: bool = False
    stop_code: FailureCode | ServerFailure | None = None

    def __post_init__(self) -> None:
        self.request_id = self.request_id or self.id

    @property
    def recorded_state(self) -> OperationState:
        """The state that its row has."""
        return _RECORDED.get(self.state, self.state)

    @property
    def is_at_pc(self) -> bool:
        """Whether it can end at the PC without the server, so that the bridge has to report it."""
        if self.state is OperationState.AUTHORISED:
            return self.task.can_set_pin_alone
        return self.state in (OperationState.RUNNING, OperationState.STOPPING)

    @property
    def is_cancelled(self) -> bool:
        """Whether the person cancelled it, and waits to hear how it ended."""
        return self.stop_code is FailureCode.CANCELLED


class OperationGoneError(Exception):
    """The row is not in the expected state: another hub has changed it, or it is over."""


class OperationStore:
    """Reads and writes operations in the caller's unit of work."""

    async def add(self, session: AsyncSession, operation: OperationRecord) -> None:
        """Write a new operation."""
        new = insert_or_ignore(session, OperationRow).values(
            id=operation.id,
            chat_id=operation.chat_id,
            session_id=operation.session_id,
            task=operation.task,
            state=operation.state,
            grant_id=operation.grant_id,
            application=operation.permit.application if operation.permit else None,
            card_serial=operation.permit.card_serial if operation.permit else None,
            nonce=operation.nonce,
            started_at=operation.started_at,
            deadline=operation.deadline,
        )
        await session.execute(new)

    async def set_state(
        self, session: AsyncSession, operation: OperationRecord, state: OperationState, **more: Any
    ) -> None:
        """Write a new state over the one that this process knows.

        :raises OperationGoneError: where the row has another state.
        """
        expected = (
            OperationRow.id == operation.id,
            OperationRow.state == operation.recorded_state,
        )
        row = update(OperationRow).where(*expected).values(state=state, **more)
        row = row.execution_options(synchronize_session=False)
        found = await session.execute(row.returning(OperationRow.id))
        if found.first() is None:
            raise OperationGoneError

    async def record_end(
        self, session: AsyncSession, operation: OperationRecord, end: OperationEnd
    ) -> None:
        """Write how it ended, to be kept until the chat has acknowledged it.

        :raises OperationGoneError: where it is over already.
        """
        await self.set_state(session, operation, OperationState.OVER, outcome=_encode_end(end))

    async def keep_end(self, session: AsyncSession, operation_id: str, end: OperationEnd) -> None:
        """Write how an operation ended that nobody else can end, to be kept likewise."""
        row = update(OperationRow).where(OperationRow.id == operation_id)
        row = row.values(state=OperationState.OVER, outcome=_encode_end(end))
        await session.execute(row.execution_options(synchronize_session=False))

    async def record_release(
        self, session: AsyncSession, operation: OperationRecord, now: datetime
    ) -> None:
        """Write that the cryptogram is released, which its grant allows once.

        :raises OperationGoneError: where it was before, or the operation is not authorised.
        """
        assert operation.permit is not None
        new = insert_or_ignore(session, CryptogramReleaseRow).values(
            grant_id=operation.grant_id,
            operation_id=operation.id,
            card_serial=operation.permit.card_serial,
            released_at=now,
        )
        if (await session.execute(new.returning(CryptogramReleaseRow.grant_id))).first() is None:
            raise OperationGoneError
        await self.set_state(session, operation, OperationState.RELEASED)

    async def is_released(self, session: AsyncSession, grant_id: str) -> bool:
        """Whether a grant's cryptogram was released."""
        return await session.get(CryptogramReleaseRow, grant_id) is not None

    async def delete(self, session: AsyncSession, operation_id: str) -> None:
        """Delete an operation."""
        await session.execute(delete(OperationRow).where(OperationRow.id == operation_id))

    async def delete_ended(self, session: AsyncSession, operation_id: str) -> None:
        """Delete an operation that is over."""
        ended = (OperationRow.id == operation_id, OperationRow.outcome.is_not(None))
        await session.execute(delete(OperationRow).where(*ended))

    async def load_all(
        self, session: AsyncSession
    ) -> Sequence[tuple[OperationRecord, OperationEnd | None]]:
        """Return every operation, newest first, with its end where it is over."""
        query = select(OperationRow).order_by(OperationRow.started_at.desc(), OperationRow.id)
        return [(_record(row), _decode_end(row)) for row in await session.scalars(query)]

    async def delete_old(self, session: AsyncSession, now: datetime) -> None:
        """Delete operations and releases older than `RETENTION`."""
        old = now - RETENTION
        await session.execute(delete(OperationRow).where(OperationRow.started_at <= old))
        await session.execute(
            delete(CryptogramReleaseRow).where(CryptogramReleaseRow.released_at <= old)
        )


def _record(row: OperationRow) -> OperationRecord:
    task = CardTask(row.task)
    permit = None
    if row.application is not None and row.card_serial is not None:
        permit = CardPermit(row.application, row.card_serial, task.authority_operation)
    return OperationRecord(
        chat_id=row.chat_id,
        session_id=row.session_id,
        task=task,
        state=OperationState(row.state),
        started_at=row.started_at,
        deadline=row.deadline,
        id=row.id,
        grant_id=row.grant_id,
        permit=permit,
        nonce=row.nonce,
        requested=task.operation,
        restored=True,
    )


def _encode_end(end: OperationEnd) -> str:
    values: dict[str, Any]
    if isinstance(end, CardTaskFailed):
        values = {"code": end.code, "tries_left": end.values.tries_left}
        values["state"] = end.state
    elif isinstance(end.value, PinChanged):
        values = {"card_serial": end.value.card_serial}
    else:
        assert isinstance(end.value, PinSetResult)
        values = {"changed": end.value.changed, "others": end.value.other_chats}
    values["is_cancelled"] = end.is_cancelled
    return json.dumps(values)


def _decode_end(row: OperationRow) -> OperationEnd | None:
    if row.outcome is None:
        return None
    values, task = json.loads(row.outcome), CardTask(row.task)
    is_cancelled = values.get("is_cancelled", False)  # rows of an earlier version have none
    if "card_serial" in values:
        changed = PinChanged(values["card_serial"])
        return CardTaskSucceeded(row.chat_id, row.id, task, changed, is_cancelled)
    if "code" not in values:
        value = PinSetResult(values["changed"], tuple(values["others"]))
        return CardTaskSucceeded(row.chat_id, row.id, task, value, is_cancelled)
    code = values["code"]
    why = FailureCode(code) if code in list(FailureCode) else ServerFailure(code)
    tries = FailureValues(tries_left=values["tries_left"])
    return CardTaskFailed(row.chat_id, row.id, task, why, tries, values["state"], is_cancelled)
