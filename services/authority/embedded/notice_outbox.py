"""Notices to a person: by mail, and in their other linked chats.

They go into the outbox in the transaction of the operation itself. A notice for an unknown person
goes into the outbox too and is dropped there, so that it takes the same work.
"""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.embedded.models import LinkedChat, SecurityAlert
from services.authority.notice_kinds import SUSPICIOUS, NoticeKind
from services.ids import new_id
from services.messaging import outbox

ALERT_LIFETIME = timedelta(days=3)
"""How long "was this you?" may be answered."""


async def notify(
    session: AsyncSession,
    notice: NoticeKind,
    subscriber: str | None,
    references: outbox.References,
    now: datetime,
    acting_chat: int | None = None,
) -> tuple[int, ...]:
    """Notify a person once the unit of work is committed.

    :param acting_chat: is not notified.
    :return: the chats that are notified.
    """
    when = {"at": now.isoformat(timespec="seconds"), **references}
    to = subscriber or new_id()
    await outbox.enqueue(session, outbox.Channel.MAIL, to, notice, when, now)
    mine = select(LinkedChat).where(LinkedChat.subscriber_id == subscriber)
    # In the order of their ids, so that two units of work cannot deadlock.
    links = (await session.scalars(mine.order_by(LinkedChat.chat_id))).all()
    notified = [link for link in links if link.chat_id != acting_chat]
    for link in notified:
        await notify_chat(session, notice, link, when, now)
    return tuple(link.chat_id for link in notified)


async def notify_chat(
    session: AsyncSession,
    notice: NoticeKind,
    link: LinkedChat,
    references: outbox.References,
    now: datetime,
) -> None:
    """Notify one chat; for a suspicious kind of notice, ask whether it was the person."""
    about: dict[str, str | int] = {**references, "subscriber": link.subscriber_id}
    if link.client_language:
        about["language"] = link.client_language
    if notice in SUSPICIOUS:
        doubt = SecurityAlert(
            id=new_id(),
            subscriber_id=link.subscriber_id,
            chat_id=link.chat_id,
            notice=notice,
            expires_at=now + ALERT_LIFETIME,
        )
        session.add(doubt)
        about["doubt"] = doubt.id
    await outbox.enqueue(session, outbox.Channel.CHAT, str(link.chat_id), notice, about, now)
