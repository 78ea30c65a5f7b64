"""Open conversations: where each person is in which one, as rows that carry a version.

A row says ``(chat, user, dialog, step, data, version, expires_at)``. Whoever changes it names the
version that was seen, so that of two who take the same tap only one acts. A person has at most
one row a chat; a conversation that is over keeps its last step there until the next one begins,
so that a tap that comes again is shown the same end. `data` never holds a secret.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import String, Text, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.database import Database
from services.storage.inserting import insert_new
from services.storage.models import Base

EXPIRED = "(expired)"
"""The step a conversation is at that rested too long; no declared step has such a name."""


class DialogRow(Base):
    """Where one person is in one chat."""

    __tablename__ = "dialogs"

    chat_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    dialog: Mapped[str] = mapped_column(String(16))
    step: Mapped[str] = mapped_column(String(16))
    trail: Mapped[str] = mapped_column(Text)
    """The steps before, for Back: ``dialog/step`` each, parted by spaces."""
    data: Mapped[str] = mapped_column(Text)
    """What was kept on the way, as JSON; never a secret."""
    version: Mapped[int]
    is_open: Mapped[bool]
    expires_at: Mapped[datetime]
    moved_by: Mapped[int]
    """The update that led here, so that its replay is known."""


class DialogChangedError(Exception):
    """Somebody else moved this conversation since it was read; nothing was changed."""


@dataclass(frozen=True)
class DialogState:
    """Where one person is.

    :ivar trail: the steps before, as ``dialog/step``.
    :ivar version: rises with every change, also from one conversation to the next; 0 before the
        first.
    :ivar moved_by: the update that led here.
    """

    chat_id: int
    user_id: int
    dialog: str
    step: str
    expires_at: datetime
    trail: tuple[str, ...] = ()
    data: Mapping[str, str] = field(default_factory=dict)
    version: int = 0
    is_open: bool = True
    moved_by: int = 0

    def is_expired(self, now: datetime) -> bool:
        """Tell whether it rested too long."""
        return self.expires_at <= now

    def expire(self) -> "DialogState":
        """Give the same conversation, closed for its rest, without what was kept."""
        return replace(self, step=EXPIRED, trail=(), data={}, is_open=False)


class Dialogs:
    """Reads and moves conversations, and knows in memory who has one open.

    Most updates belong to no conversation; thanks to the memory they cost no query. One process
    holds the intake, so what it remembers is what is stored; a key too many costs one query.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: set[tuple[int, int]] = set()

    async def load(self) -> None:
        """Read who has a conversation open; called once the intake is ours."""
        query = select(DialogRow.chat_id, DialogRow.user_id).where(DialogRow.is_open.is_(True))
        async with self._database.unit_of_work() as session:
            self._open = {(row[0], row[1]) for row in await session.execute(query)}

    def may_be_open(self, chat_id: int, user_id: int) -> bool:
        """Tell, without asking the database, whether somebody may have a conversation open."""
        return (chat_id, user_id) in self._open

    def remember(self, state: DialogState) -> None:
        """Note what was committed."""
        key = (state.chat_id, state.user_id)
        if state.is_open:
            self._open.add(key)
        else:
            self._open.discard(key)

    async def find(self, session: AsyncSession, chat_id: int, user_id: int) -> DialogState | None:
        """Give where somebody is or was last, `None` where they never began anything."""
        row = await session.get(DialogRow, (chat_id, user_id), populate_existing=True)
        return None if row is None else _state(row)

    async def save(self, session: AsyncSession, state: DialogState) -> DialogState:
        """Write `state` over the version it was made from, and give it with its new version.

        :raises DialogChangedError: when that version is no longer the newest.
        """
        moved = replace(state, version=state.version + 1)
        key = {"chat_id": state.chat_id, "user_id": state.user_id}
        if state.version == 0:
            new = insert_new(session, DialogRow).values(**key, **_values(moved))
            changed = await session.execute(new.returning(DialogRow.version))
        else:
            same = (DialogRow.version == state.version,)
            row = update(DialogRow).filter_by(**key).where(*same).values(**_values(moved))
            row = row.execution_options(synchronize_session=False)
            changed = await session.execute(row.returning(DialogRow.version))
        if changed.first() is None:
            raise DialogChangedError
        return moved

    async def forget_old(self, session: AsyncSession, now: datetime) -> None:
        """Close what rested too long, and drop what was kept on the way."""
        old = update(DialogRow).where(DialogRow.expires_at <= now, DialogRow.step != EXPIRED)
        closed = old.values(
            step=EXPIRED, trail="", data="{}", is_open=False, version=DialogRow.version + 1
        )
        await session.execute(closed.execution_options(synchronize_session=False))


def _state(row: DialogRow) -> DialogState:
    return DialogState(
        chat_id=row.chat_id,
        user_id=row.user_id,
        dialog=row.dialog,
        step=row.step,
        expires_at=row.expires_at,
        trail=tuple(row.trail.split()),
        data=json.loads(row.data),
        version=row.version,
        is_open=row.is_open,
        moved_by=row.moved_by,
    )


def _values(state: DialogState) -> dict[str, object]:
    return {
        "dialog": state.dialog,
        "step": state.step,
        "trail": " ".join(state.trail),
        "data": json.dumps(dict(state.data), ensure_ascii=False, sort_keys=True),
        "version": state.version,
        "is_open": state.is_open,
        "expires_at": state.expires_at,
        "moved_by": state.moved_by,
    }
