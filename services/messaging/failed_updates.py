"""What an operator sees of updates that were set aside, and does about them.

The content of an update is never shown, since it is what somebody typed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.messaging.inbox import PAYMENT, RETRY_LIMIT, may_be_retried
from services.storage.models import InboxUpdate, UpdateState


class RetryRefusal(StrEnum):
    """Why an update is not processed again."""

    TOO_OLD = "too_old"
    OVERTAKEN = "overtaken"
    """A newer update of its chat is done or in progress, or its chat is not known."""
    ERASED = "erased"


class UnknownUpdateError(Exception):
    """No update with this id is set aside.

    :ivar update_id: the id.
    """

    def __init__(self, update_id: int) -> None:
        super().__init__(f"{update_id} was not set aside")
        self.update_id = update_id


class RetryRefusedError(Exception):
    """An update is not processed again, since that would surprise the person.

    :ivar update_id: the update.
    :ivar reason: why.
    """

    def __init__(self, update_id: int, reason: RetryRefusal) -> None:
        super().__init__(f"update {update_id} is not retried: {reason}")
        self.update_id = update_id
        self.reason = reason


@dataclass(frozen=True)
class FailedUpdate:
    """An update that was set aside.

    :ivar kind: such as ``message``; empty in rows of older versions.
    :ivar error: type of the error.
    :ivar is_waiting: whether it is going to be processed again.
    """

    update_id: int
    kind: str
    received_at: datetime
    error: str
    is_waiting: bool

    @property
    def is_payment(self) -> bool:
        """Whether it reports a charge that is not on record."""
        return self.kind == PAYMENT


async def list_failed_updates(session: AsyncSession) -> Sequence[FailedUpdate]:
    """Return every update that was set aside, oldest first."""
    query = select(InboxUpdate).where(_is_set_aside()).order_by(InboxUpdate.update_id)
    return [_describe(row) for row in await session.scalars(query)]


async def find_failed_update(session: AsyncSession, update_id: int) -> FailedUpdate:
    """Return one update that was set aside.

    :raises UnknownUpdateError: where it was not.
    """
    return _describe(await _load(session, update_id))


async def retry_update(session: AsyncSession, update_id: int, now: datetime) -> FailedUpdate:
    """Have the bot process an update again, within a minute or when it is started.

    :raises UnknownUpdateError: where it was not set aside.
    :raises RetryRefusedError: where it is too late for that.
    """
    row = await _load(session, update_id)
    if row.payload is None:
        raise RetryRefusedError(update_id, RetryRefusal.ERASED)
    may = select(InboxUpdate.update_id).where(
        InboxUpdate.update_id == update_id, may_be_retried(now)
    )
    if (await session.execute(may)).first() is None:
        is_old = row.received_at <= now - RETRY_LIMIT
        raise RetryRefusedError(
            update_id, RetryRefusal.TOO_OLD if is_old else RetryRefusal.OVERTAKEN
        )
    row.state, row.crashes = UpdateState.NEW, 0
    return _describe(row)


async def drop_update(session: AsyncSession, update_id: int) -> FailedUpdate:
    """Erase the content of an update and keep its id, so that it is not taken in again.

    :raises UnknownUpdateError: where it was not set aside.
    """
    row = await _load(session, update_id)
    dropped = _describe(row)
    row.state, row.payload = UpdateState.DONE, None
    return dropped


async def _load(session: AsyncSession, update_id: int) -> InboxUpdate:
    is_update = (InboxUpdate.update_id == update_id, _is_set_aside())
    row = await session.scalar(select(InboxUpdate).where(*is_update).with_for_update())
    if row is None:
        raise UnknownUpdateError(update_id)
    return row


def _is_set_aside() -> ColumnElement[bool]:
    is_waiting = and_(InboxUpdate.state == UpdateState.NEW, InboxUpdate.error.is_not(None))
    return or_(InboxUpdate.state == UpdateState.FAILED, is_waiting)


def _describe(row: InboxUpdate) -> FailedUpdate:
    return FailedUpdate(
        update_id=row.update_id,
        kind=row.kind or "",
        received_at=row.received_at,
        error=row.error or "",
        is_waiting=row.state == UpdateState.NEW,
    )
