"""People and chats: the language a person chose, and the chats the bot may write to.

The languages chosen are kept in memory too, since every update asks for one. One process holds
the intake, so what it remembers is what is stored.
"""

from collections.abc import MutableMapping
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

import locales
from services.storage.database import Database
from services.storage.inserting import insert_or_update
from services.storage.models import Chat, Person


class People:
    """Who chose which language."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._languages: MutableMapping[int, str] = {}

    async def load(self) -> None:
        """Read every choice; called once at start."""
        query = select(Person.user_id, Person.language).where(Person.language.is_not(None))
        async with self._database.unit_of_work() as session:
            rows = (await session.execute(query)).all()
        self._languages.update({row[0]: row[1] for row in rows if row[1]})

    def language(self, user_id: int | None, client_code: str | None) -> str:
        """Give the language to speak to a person: their choice, else their client's."""
        chosen = self._languages.get(user_id) if user_id is not None else None
        return chosen or locales.resolve(client_code)

    async def choose_language(self, user_id: int, language: str, now: datetime) -> None:
        """Remember the language a person chose.

        :raises ValueError: for a language not spoken.
        """
        if language not in locales.LANGUAGES:
            raise ValueError("not a language spoken here")
        async with self._database.unit_of_work() as session:
            key, chosen = {"user_id": user_id}, {"language": language}
            await session.execute(insert_or_update(session, Person, key, chosen, created_at=now))
        self._languages[user_id] = language

    async def chosen(self, session: AsyncSession, user_id: int) -> str | None:
        """Give the language a person chose; `None` where they follow their client."""
        person = await session.get(Person, user_id)
        return person.language if person else None

    async def forget(self, session: AsyncSession, user_id: int) -> None:
        """Forget the language a person chose."""
        await session.execute(delete(Person).where(Person.user_id == user_id))
        self._languages.pop(user_id, None)


async def open_chat(session: AsyncSession, chat_id: int, kind: str, now: datetime) -> None:
    """Note that the bot may write to a chat: it was started there, added, or unblocked."""
    key, opened = {"chat_id": chat_id}, {"closed_at": None}
    await session.execute(insert_or_update(session, Chat, key, opened, kind=kind, created_at=now))


async def is_open(session: AsyncSession, chat_id: int) -> bool:
    """Tell whether the bot may write to a chat, as far as is known."""
    chat = await session.get(Chat, chat_id)
    return chat is None or chat.closed_at is None


async def close_chat(session: AsyncSession, chat_id: int, now: datetime) -> None:
    """Note that the bot may no longer write to a chat: it was blocked or removed."""
    still_open = update(Chat).where(Chat.chat_id == chat_id, Chat.closed_at.is_(None))
    await session.execute(still_open.values(closed_at=now))
