"""What is kept of who talks with the bot, whoever they are: language, votes, reminders."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.faq import votes
from services.messaging import reminders
from services.people.people import People
from services.storage.models import Due


@dataclass(frozen=True)
class Traces:
    """What is kept of one person in one chat.

    :ivar language: what they chose; `None` where they follow their client.
    :ivar reminders: how many are to come.
    """

    language: str | None
    votes: int
    reminders: int

    @property
    def are_there(self) -> bool:
        """Whether there is anything to erase."""
        return self.language is not None or self.votes > 0 or self.reminders > 0


async def look(session: AsyncSession, people: People, user_id: int, chat_id: int) -> Traces:
    """Tell what is kept."""
    coming = select(func.count()).select_from(Due).where(*_reminders_in(chat_id))
    return Traces(
        language=await people.chosen(session, user_id),
        votes=await votes.count_of(session, user_id),
        reminders=(await session.execute(coming)).scalar_one(),
    )


async def erase(session: AsyncSession, people: People, user_id: int, chat_id: int) -> None:
    """Erase it."""
    await people.forget(session, user_id)
    await votes.forget(session, user_id)
    await session.execute(delete(Due).where(*_reminders_in(chat_id)))


def _reminders_in(chat_id: int) -> tuple[ColumnElement[bool], ...]:
    """Give what holds of the reminders in a chat, of whatever application they are."""
    return Due.kind == reminders.DUE_KIND, Due.key.contains(f"/{chat_id}/", autoescape=True)
