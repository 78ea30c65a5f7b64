"""Conversations: at which step each person is, as rows that carry a version.

A row is ``(chat, user, conversation, step, data, version, expires_at)``. A change names the version
that it was made from, so that of two processes that handle the same tap only one acts. A person
has at most one row per chat; a conversation that is over keeps its last step there until the next
one begins, so that a repeated tap shows the same end. `data` never holds a secret.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import String, Text, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from services.clock import steady_time
from services.storage.database import Base, Database, SteadyTime, insert_or_ignore

EXPIRED = "(expired)"
"""The step of a conversation that timed out; no declared step has such a name."""
FINISHED = "(finished)"
"""The step of one whose goal was reached elsewhere; no declared step has such a name."""


class ConversationRow(Base):
    """The step one person is at in one chat."""

    __tablename__ = "dialogs"

    chat_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    conversation: Mapped[str] = mapped_column("dialog", String(16))
    step: Mapped[str] = mapped_column(String(16))
    history: Mapped[str] = mapped_column("trail", Text)
    """The steps before, for Back: each as ``conversation/step``, separated by spaces."""
    data: Mapped[str] = mapped_column(Text)
    """The state data as JSON; never a secret."""
    version: Mapped[int]
    is_open: Mapped[bool]
    expires_at: Mapped[SteadyTime]
    last_update_id: Mapped[int] = mapped_column("moved_by")
    """The update that led here, by which its replay is recognised."""


class ConversationChangedError(Exception):
    """The conversation was changed by somebody else since it was read; nothing was written."""


@dataclass(frozen=True)
class ConversationState:
    """The step one person is at in one chat.

    :ivar history: the steps before, each as ``conversation/step``.
    :ivar expires_at: by the steady clock.
    :ivar version: rises with every change, also from one conversation to the next; 0 before the
        first.
    :ivar last_update_id: the update that led here.
    """

    chat_id: int
    user_id: int
    conversation: str
    step: str
    expires_at: datetime
    history: tuple[str, ...] = ()
    data: Mapping[str, str] = field(default_factory=dict)
    version: int = 0
    is_open: bool = True
    last_update_id: int = 0

    def is_expired(self, now: datetime) -> bool:
        """Whether it timed out."""
        return self.expires_at <= steady_time(now)

    def expire(self) -> "ConversationState":
        """The same conversation, closed as timed out, without its data."""
        return self._close(EXPIRED)

    def finish(self) -> "ConversationState":
        """The same conversation, closed since its goal was reached elsewhere, without its data."""
        return self._close(FINISHED)

    def _close(self, step: str) -> "ConversationState":
        return replace(self, step=step, history=(), data={}, is_open=False)


class ConversationStore:
    """Reads and writes conversations, and remembers in memory who has one open.

    Most updates belong to no conversation and need no query, thanks to this memory. It is exact
    because one process holds the intake; a key too many in it costs only a query.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: set[tuple[int, int]] = set()

    async def load_open(self) -> None:
        """Read who has a conversation open; called once this process holds the intake."""
        is_open = ConversationRow.is_open.is_(True)
        query = select(ConversationRow.chat_id, ConversationRow.user_id).where(is_open)
        async with self._database.unit_of_work() as session:
            self._open = {(row[0], row[1]) for row in await session.execute(query)}

    def may_be_open(self, chat_id: int, user_id: int) -> bool:
        """Whether somebody may have a conversation open, by memory alone."""
        return (chat_id, user_id) in self._open

    def remember(self, state: ConversationState) -> None:
        """Note in memory what was committed."""
        key = (state.chat_id, state.user_id)
        if state.is_open:
            self._open.add(key)
        else:
            self._open.discard(key)

    async def find(
        self, session: AsyncSession, chat_id: int, user_id: int
    ) -> ConversationState | None:
        """The present or last step of somebody, `None` where they never began anything."""
        row = await session.get(ConversationRow, (chat_id, user_id), populate_existing=True)
        return None if row is None else _state(row)

    async def save(self, session: AsyncSession, state: ConversationState) -> ConversationState:
        """Write `state` over the version it was made from, and return it with its new version.

        :raises ConversationChangedError: when that version is no longer the newest.
        """
        new = replace(state, version=state.version + 1)
        key = {"chat_id": state.chat_id, "user_id": state.user_id}
        if state.version == 0:
            insert = insert_or_ignore(session, ConversationRow).values(**key, **_columns(new))
            written = await session.execute(insert.returning(ConversationRow.version))
        else:
            is_same = ConversationRow.version == state.version
            row = update(ConversationRow).filter_by(**key).where(is_same).values(**_columns(new))
            row = row.execution_options(synchronize_session=False)
            written = await session.execute(row.returning(ConversationRow.version))
        if written.first() is None:
            raise ConversationChangedError
        return new

    async def close_expired(self, session: AsyncSession, now: datetime) -> None:
        """Close the conversations that timed out, and erase their data."""
        expired = update(ConversationRow).where(
            ConversationRow.expires_at <= steady_time(now), ConversationRow.step != EXPIRED
        )
        closed = expired.values(
            step=EXPIRED, history="", data="{}", is_open=False, version=ConversationRow.version + 1
        )
        await session.execute(closed.execution_options(synchronize_session=False))


def _state(row: ConversationRow) -> ConversationState:
    return ConversationState(
        chat_id=row.chat_id,
        user_id=row.user_id,
        conversation=row.conversation,
        step=row.step,
        expires_at=row.expires_at,
        history=tuple(row.history.split()),
        data=json.loads(row.data),
        version=row.version,
        is_open=row.is_open,
        last_update_id=row.last_update_id,
    )


def _columns(state: ConversationState) -> dict[str, object]:
    return {
        "conversation": state.conversation,
        "step": state.step,
        "history": " ".join(state.history),
        "data": json.dumps(dict(state.data), ensure_ascii=False, sort_keys=True),
        "version": state.version,
        "is_open": state.is_open,
        "expires_at": state.expires_at,
        "last_update_id": state.last_update_id,
    }
