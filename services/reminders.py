"""Reminders of the payment deadline, from the day a person says they applied.

15 days, counted from the day after the application (FACTS.md §1.2), in Taipei. The day is the
person's own word: nothing is looked up anywhere.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services import due
from services.calendar import PAYMENT_DAYS, TAIPEI
from services.formats.dates import parse_birth_date

DUE_KIND = "payment_reminder"
DAYS_BEFORE = (5, 1)
"""How many days before the last day somebody is reminded."""
_HOUR = time(10, tzinfo=TAIPEI)
OLDEST = timedelta(days=60)
"""How long ago an application may be to be taken for a date of application at all."""


@dataclass(frozen=True)
class Reminder:
    """One reminder that is due.

    :ivar client_language: what the person's client spoke when they asked for it.
    :ivar last_day: the last day to pay on.
    """

    chat_id: int
    user_id: int
    client_language: str | None
    last_day: date


def read_day(text: str, today: date) -> date:
    """Read a day that is not to come, ROC (民國) or Gregorian.

    :raises FormatError: for what is no such day.
    """
    return parse_birth_date(text, today)


def last_day(applied: date) -> date:
    """Give the last day to pay on."""
    return applied + timedelta(days=PAYMENT_DAYS)


def moments(applied: date, now: datetime) -> list[datetime]:
    """Give the moments of the reminders that are still to come."""
    days = (last_day(applied) - timedelta(days=before) for before in DAYS_BEFORE)
    return [at for day in days if (at := datetime.combine(day, _HOUR)) > now]


async def schedule(session: AsyncSession, reminder: Reminder, applied: date, now: datetime) -> int:
    """Put down the reminders that are still to come in place of earlier ones; give how many."""
    await cancel(session, reminder.chat_id)
    reference = json.dumps(
        {
            "chat": reminder.chat_id,
            "user": reminder.user_id,
            "language": reminder.client_language,
            "last_day": reminder.last_day.isoformat(),
        }
    )
    coming = moments(applied, now)
    for number, at in enumerate(coming):
        await due.schedule(session, DUE_KIND, _key(reminder.chat_id, number), at, reference)
    return len(coming)


async def cancel(session: AsyncSession, chat_id: int) -> None:
    """Turn the reminders of a chat off; does nothing where there are none."""
    for number in range(len(DAYS_BEFORE)):
        await due.cancel(session, _key(chat_id, number))


def read(reference: str) -> Reminder:
    """Give the reminder that a `due` row refers to."""
    known = json.loads(reference)
    return Reminder(
        chat_id=known["chat"],
        user_id=known["user"],
        client_language=known["language"],
        last_day=date.fromisoformat(known["last_day"]),
    )


def _key(chat_id: int, number: int) -> str:
    return f"{DUE_KIND}/{chat_id}/{number}"
