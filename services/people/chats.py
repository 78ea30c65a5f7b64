"""The chats that the bot may write to."""

from datetime import datetime

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.messaging import outbox
from services.storage.database import upsert
from services.storage.models import ChatRow


async def open_chat(session: AsyncSession, chat_id: int, kind: str, now: datetime) -> None:
    """Note that the bot may write to a chat: it was started, added or unblocked."""
    key, opened = {"chat_id": chat_id}, {"closed_at": None}
    await session.execute(upsert(session, ChatRow, key, opened, kind=kind, created_at=now))


async def is_chat_open(session: AsyncSession, chat_id: int) -> bool:
    """Whether the bot may write to a chat, as far as is known."""
    chat = await session.get(ChatRow, chat_id)
    return chat is None or chat.closed_at is None


async def close_chat(session: AsyncSession, chat_id: int, now: datetime) -> None:
    """Note that the bot may no longer write to a chat: it was blocked or removed."""
    still_open = update(ChatRow).where(ChatRow.chat_id == chat_id, ChatRow.closed_at.is_(None))
    await session.execute(still_open.values(closed_at=now))


async def move_chat(session: AsyncSession, old_id: int, new_id: int) -> None:
    """Note that a group became a supergroup, which has another id.

    Private chats keep their ids, and so does everything that is stored for them alone.
    """
    chat = await session.get(ChatRow, old_id)
    if chat is not None:
        await session.execute(delete(ChatRow).where(ChatRow.chat_id == old_id))
        await open_chat(session, new_id, "supergroup", chat.created_at)
    await outbox.redirect(session, outbox.Channel.CHAT, str(old_id), str(new_id))
