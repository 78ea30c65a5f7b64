"""Reminders of the payment deadline: of the day a person gave, or of an application known here.

15 days, counted from the day after the application (docs/facts.md §1.2), in Taipei. Where an
authority guides, the day is the person's own word: nothing is looked up anywhere.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services import jobs
from services.calendar import PAYMENT_DAYS, TAIPEI
from services.formats.dates import parse_recent_day

DUE_KIND = "payment_reminder"
DAYS_BEFORE = (5, 1)
"""How many days before the last day somebody is reminded."""
_HOUR = time(10, tzinfo=TAIPEI)
_OFF = "off"
OLDEST = timedelta(days=60)
"""How long ago an application may be to be taken for a date of application at all."""


@dataclass(frozen=True)
class Reminder:
    """What somebody is reminded of, and where.

    :ivar client_language: what the person's client spoke when they asked for it.
    :ivar last_day: the last day to pay on.
    :ivar application: what is to be paid, where that is known here.
    """

    chat_id: int
    user_id: int
    client_language: str | None
    last_day: date
    application: str | None = None


def read_day(text: str, today: date) -> date:
    """Read a day that is not to come, ROC (民國) or Gregorian, or as one speaks of it.

    :raises FormatError: for what is no such day.
    """
    return parse_recent_day(text, today, OLDEST)


def last_day(applied: date) -> date:
    """Give the last day to pay on."""
    return applied + timedelta(days=PAYMENT_DAYS)


def moments(last: date, now: datetime) -> list[datetime]:
    """Give the moments of the reminders that are still to come before the last day to pay on."""
    days = (last - timedelta(days=before) for before in DAYS_BEFORE)
    return [at for day in days if (at := datetime.combine(day, _HOUR)) > now]


async def schedule(session: AsyncSession, reminder: Reminder, now: datetime) -> int:
    """Put down the reminders that are still to come in place of earlier ones; give how many."""
    place = _place(reminder.chat_id, reminder.application)
    await jobs.cancel_below(session, place)
    coming = moments(reminder.last_day, now)
    for number, at in enumerate(coming):
        await jobs.schedule(session, DUE_KIND, f"{place}{number}", at, _written(reminder))
    return len(coming)


async def schedule_unless_off(session: AsyncSession, reminder: Reminder, now: datetime) -> int:
    """Put them down for somebody who has not turned them off; give how many are to come."""
    if await are_off(session, reminder.chat_id, reminder.application):
        return 0
    return await schedule(session, reminder, now)


async def cancel(session: AsyncSession, chat_id: int, application: str | None = None) -> None:
    """Turn the reminders of a chat off; does nothing where there are none."""
    await jobs.cancel_below(session, _place(chat_id, application))


async def turn_off(session: AsyncSession, reminder: Reminder) -> None:
    """Turn the reminders of an application off for good, so that nobody turns them on unasked.

    The choice is a row of `due` too, which is over with the deadline.
    """
    await cancel(session, reminder.chat_id, reminder.application)
    key = _place(reminder.chat_id, reminder.application) + _OFF
    at = datetime.combine(reminder.last_day + timedelta(days=1), time(), TAIPEI)
    await jobs.schedule(session, DUE_KIND, key, at, json.dumps({_OFF: True}))


async def are_off(session: AsyncSession, chat_id: int, application: str | None) -> bool:
    """Tell whether somebody turned the reminders of an application off."""
    return _OFF in await jobs.references_below(session, _place(chat_id, application))


async def turn_off_here(session: AsyncSession, chat_id: int, application: str) -> None:
    """Turn the reminders of an application off in a chat; does nothing where none is to come."""
    coming = await jobs.references_below(session, _place(chat_id, application))
    for reminder in map(read, coming.values()):
        if reminder is not None:
            return await turn_off(session, reminder)
    return None


async def cancel_application(session: AsyncSession, application: str) -> None:
    """Remind nobody of an application any more, since it is paid or gone."""
    await jobs.cancel_below(session, f"{DUE_KIND}/{application}/")


def read(reference: str) -> Reminder | None:
    """Give the reminder that a `due` row refers to; `None` where there is nothing to remind of."""
    known = json.loads(reference)
    if _OFF in known:
        return None
    return Reminder(
        chat_id=known["chat"],
        user_id=known["user"],
        client_language=known["language"],
        last_day=date.fromisoformat(known["last_day"]),
        application=known.get("application"),
    )


def _written(reminder: Reminder) -> str:
    return json.dumps(
        {
            "chat": reminder.chat_id,
            "user": reminder.user_id,
            "language": reminder.client_language,
            "last_day": reminder.last_day.isoformat(),
            "application": reminder.application,
        }
    )


def _place(chat_id: int, application: str | None) -> str:
    """Give what the keys of a chat's reminders begin with; those of an application lie together."""
    return f"{DUE_KIND}/{application}/{chat_id}/" if application else f"{DUE_KIND}/{chat_id}/"
