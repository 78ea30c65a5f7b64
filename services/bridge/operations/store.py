"""Operations as rows: what a restart ends with a word, resolves, or tells again."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from reader_bridge.protocol import FailureCode, FailureValues, KeyRole, Operation
from services.authority.values import CardPermit
from services.bridge.events import Done, Failed, Fault, PinSet
from services.bridge.ids import new_id
from services.bridge.models import BridgeOperation, BridgeRelease
from services.bridge.operations.admin_authentication import AdminChallenge
from services.bridge.operations.state import OperationState
from services.bridge.operations.task import Work
from services.storage.inserting import insert_new

_RECORDED = {
    OperationState.ANSWERED: OperationState.RELEASED,
    OperationState.PROVING: OperationState.UNRESOLVED,
}
"""A restart treats both alike, and a commit between two commands to the card costs time."""
KEPT = timedelta(days=1)
"""How long an end that nobody was told, or that nobody found out, stays on record."""
Ending = Done | Failed


@dataclass
class OperationRecord:
    """One operation, in memory.

    :ivar permit: the authority's leave, from *authorised* on.
    :ivar nonce: the server's part of the statement that its receipt signs.
    :ivar wire_id: how the bridge knows what it was asked last for it.
    :ivar asked: what that was.
    :ivar challenge: of the authentication that is under way.
    :ivar answer_by: until when the bridge's next word has to be there, if before the deadline.
    :ivar role: whose certificate is read.
    :ivar restored: it was read from the database: an earlier process began it.
    """

    chat_id: int
    session_id: str
    work: Work
    state: OperationState
    started_at: datetime
    deadline: datetime
    id: str = field(default_factory=new_id)
    grant_id: str | None = None
    permit: CardPermit | None = None
    nonce: bytes | None = None
    wire_id: str = ""
    asked: Operation | None = None
    challenge: AdminChallenge | None = None
    answer_by: datetime | None = None
    steps: int = 0
    role: KeyRole = KeyRole.AUTHENTICATION
    restored: bool = False

    def __post_init__(self) -> None:
        self.wire_id = self.wire_id or self.id

    @property
    def recorded_state(self) -> OperationState:
        """How far it has come on record, which is what a restart goes by."""
        return _RECORDED.get(self.state, self.state)


class GoneError(Exception):
    """The row is not in the state it should be: another hub has taken it, or it is over."""


class OperationStore:
    """Reads and writes operations. Its verbs take the caller's unit of work."""

    async def put(self, session: AsyncSession, operation: OperationRecord) -> None:
        """Write an operation down that has just begun."""
        new = insert_new(session, BridgeOperation).values(
            id=operation.id,
            chat_id=operation.chat_id,
            session_id=operation.session_id,
            work=operation.work,
            state=operation.state,
            grant_id=operation.grant_id,
            application=operation.permit.application if operation.permit else None,
            card_serial=operation.permit.card_serial if operation.permit else None,
            nonce=operation.nonce,
            started_at=operation.started_at,
            deadline=operation.deadline,
        )
        await session.execute(new)

    async def move(
        self, session: AsyncSession, operation: OperationRecord, state: OperationState, **more: Any
    ) -> None:
        """Write down how far it has come; it has to be where this process knows it to be.

        :raises GoneError: where it is not.
        """
        here = (
            BridgeOperation.id == operation.id,
            BridgeOperation.state == operation.recorded_state,
        )
        row = update(BridgeOperation).where(*here).values(state=state, **more)
        row = row.execution_options(synchronize_session=False)
        found = await session.execute(row.returning(BridgeOperation.id))
        if found.first() is None:
            raise GoneError

    async def end(self, session: AsyncSession, operation: OperationRecord, ending: Ending) -> None:
        """Write down how it ended, until the chat was told.

        :raises GoneError: where it is over already.
        """
        await self.move(session, operation, OperationState.OVER, outcome=_written(ending))

    async def release(
        self, session: AsyncSession, operation: OperationRecord, now: datetime
    ) -> None:
        """Write down that the cryptogram leaves, which its grant allows once.

        :raises GoneError: where it did before, or the operation is not authorised (any more).
        """
        assert operation.permit is not None
        new = insert_new(session, BridgeRelease).values(
            grant_id=operation.grant_id,
            operation_id=operation.id,
            card_serial=operation.permit.card_serial,
            released_at=now,
        )
        if (await session.execute(new.returning(BridgeRelease.grant_id))).first() is None:
            raise GoneError
        await self.move(session, operation, OperationState.RELEASED)

    async def was_released(self, session: AsyncSession, grant_id: str) -> bool:
        """Tell whether a grant had its cryptogram."""
        return await session.get(BridgeRelease, grant_id) is not None

    async def remove(self, session: AsyncSession, operation_id: str) -> None:
        """Strike an operation out."""
        ours = BridgeOperation.id == operation_id
        await session.execute(delete(BridgeOperation).where(ours))

    async def forget_end(self, session: AsyncSession, operation_id: str) -> None:
        """Strike an operation out that is over."""
        ours = (BridgeOperation.id == operation_id, BridgeOperation.outcome.is_not(None))
        await session.execute(delete(BridgeOperation).where(*ours))

    async def all(self, session: AsyncSession) -> Sequence[tuple[OperationRecord, Ending | None]]:
        """Give every operation on record, newest first, with its end where it has one."""
        query = select(BridgeOperation).order_by(
            BridgeOperation.started_at.desc(), BridgeOperation.id
        )
        return [(_record(row), _read(row)) for row in await session.scalars(query)]

    async def tidy(self, session: AsyncSession, now: datetime) -> None:
        """Strike out what is too old to matter."""
        old = now - KEPT
        await session.execute(delete(BridgeOperation).where(BridgeOperation.started_at <= old))
        await session.execute(delete(BridgeRelease).where(BridgeRelease.released_at <= old))


def _record(row: BridgeOperation) -> OperationRecord:
    work = Work(row.work)
    permit = None
    if row.application is not None and row.card_serial is not None:
        permit = CardPermit(row.application, row.card_serial, work.authorised_by)
    return OperationRecord(
        chat_id=row.chat_id,
        session_id=row.session_id,
        work=work,
        state=OperationState(row.state),
        started_at=row.started_at,
        deadline=row.deadline,
        id=row.id,
        grant_id=row.grant_id,
        permit=permit,
        nonce=row.nonce,
        asked=work.operation,
        restored=True,
    )


def _written(ending: Ending) -> str:
    values: dict[str, Any]
    if isinstance(ending, Failed):
        values = {"code": ending.code, "tries_left": ending.values.tries_left}
        values["state"] = ending.state
    else:
        assert isinstance(ending.value, PinSet)
        values = {"changed": ending.value.changed, "others": ending.value.other_chats}
    return json.dumps(values)


def _read(row: BridgeOperation) -> Ending | None:
    if row.outcome is None:
        return None
    values, work = json.loads(row.outcome), Work(row.work)
    if "code" not in values:
        done = PinSet(values["changed"], tuple(values["others"]))
        return Done(row.chat_id, row.id, work, done)
    code = values["code"]
    why = FailureCode(code) if code in list(FailureCode) else Fault(code)
    tries = FailureValues(tries_left=values["tries_left"])
    return Failed(row.chat_id, row.id, work, why, tries, values["state"])
