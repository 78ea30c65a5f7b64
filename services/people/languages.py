"""The languages that people have chosen.

They are kept in memory too, since every update needs one. Memory and database agree, because one
process holds the intake.
"""

from collections.abc import MutableMapping
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

import locales
from services.storage.database import Database, upsert
from services.storage.models import PersonRow


class LanguagePreferences:
    """Stores and resolves the languages of people."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._languages: MutableMapping[int, str] = {}

    async def load(self) -> None:
        """Load every choice into memory; called once at start."""
        query = select(PersonRow.user_id, PersonRow.language).where(PersonRow.language.is_not(None))
        async with self._database.unit_of_work() as session:
            rows = (await session.execute(query)).all()
        self._languages.update({row[0]: row[1] for row in rows if row[1]})

    def resolve(self, user_id: int | None, client_code: str | None) -> str:
        """Return the language to use with a person: their choice, or else their client's."""
        chosen = self._languages.get(user_id) if user_id is not None else None
        return chosen or locales.resolve(client_code)

    async def choose(self, user_id: int, language: str, now: datetime) -> None:
        """Store the language a person chose.

        :raises ValueError: for an unsupported language.
        """
        if language not in locales.LANGUAGES:
            raise ValueError("unsupported language")
        async with self._database.unit_of_work() as session:
            key, chosen = {"user_id": user_id}, {"language": language}
            await session.execute(upsert(session, PersonRow, key, chosen, created_at=now))
        self._languages[user_id] = language

    async def find_choice(self, session: AsyncSession, user_id: int) -> str | None:
        """Return the language a person chose; `None` if they chose none."""
        person = await session.get(PersonRow, user_id)
        return person.language if person else None

    async def forget(self, session: AsyncSession, user_id: int) -> None:
        """Delete the language a person chose."""
        await session.execute(delete(PersonRow).where(PersonRow.user_id == user_id))
        self._languages.pop(user_id, None)
