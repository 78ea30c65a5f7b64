"""What is told by mail: the kinds of notice, and putting one into the outbox.

A notice for nobody goes into the outbox too and is dropped there, so that what a person who does
not exist causes takes the same work.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from services import outbox
from services.authority.embedded.ids import new_id


class Notice(StrEnum):
    """Something a person is told of by mail."""

    CODE_REVEALED = "code_revealed"
    CODE_LOCKED = "code_locked"
    PAID = "paid"
    POSTED = "posted"
    ACTIVATED = "activated"
    SUSPENDED = "suspended"
    RESUMING = "resuming"
    RESUMED = "resumed"
    REVOKED = "revoked"
    CHAT_LINKED = "chat_linked"


async def notify(
    session: AsyncSession,
    notice: Notice,
    subscriber: str | None,
    references: outbox.References,
    now: datetime,
) -> None:
    """Tell a person, once the unit of work is committed."""
    when = {"at": now.isoformat(timespec="seconds"), **references}
    to = subscriber or new_id()
    await outbox.put(session, outbox.Channel.MAIL, to, notice, when, now)
