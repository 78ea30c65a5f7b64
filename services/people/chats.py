"""The chats that the bot may write to."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

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
