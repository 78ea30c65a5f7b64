"""The data stored about a chat in every mode: language, votes, reminders and tickets."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.erasure import erase_tickets, list_held
from services.faq import votes
from services.messaging import payment_reminders
from services.people.languages import LanguagePreferences
from services.storage.models import Job


@dataclass(frozen=True)
class ChatData:
    """The data stored about one person in one chat.

    :ivar language: the language they chose, if any.
    :ivar reminders: number of reminders to come.
    :ivar tickets: number of their questions that a person answers or has answered.
    """

    language: str | None
    votes: int
    reminders: int
    tickets: int

    @property
    def has_any(self) -> bool:
        """Whether anything is stored."""
        return self.language is not None or self.votes + self.reminders + self.tickets > 0


async def load_chat_data(
    session: AsyncSession, people: LanguagePreferences, user_id: int, chat_id: int
) -> ChatData:
    """Load the stored data."""
    coming = select(func.count()).select_from(Job).where(*_reminders_in(chat_id))
    return ChatData(
        language=await people.find_choice(session, user_id),
        votes=await votes.count_by_person(session, user_id),
        reminders=(await session.execute(coming)).scalar_one(),
        tickets=len(await list_held(session, [chat_id])),
    )


async def erase_chat_data(
    session: AsyncSession, people: LanguagePreferences, user_id: int, chat_id: int, now: datetime
) -> None:
    """Delete the stored data, and have the topics of the person's tickets deleted."""
    await erase_tickets(session, [chat_id], now)
    await people.forget(session, user_id)
    await votes.delete_votes(session, user_id)
    await session.execute(delete(Job).where(*_reminders_in(chat_id)))


def _reminders_in(chat_id: int) -> tuple[ColumnElement[bool], ...]:
    """Condition for the reminders in a chat, of any application."""
    return Job.kind == payment_reminders.JOB_KIND, Job.key.contains(f"/{chat_id}/", autoescape=True)
