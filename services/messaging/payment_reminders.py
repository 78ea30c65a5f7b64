"""Reminders of the payment deadline, for a date that a person gave or for a stored application.

The deadline is 15 days, counted from the day after the application (docs/facts.md §1.2), in Taipei.
In guide mode the date is what the person says; nothing is looked up.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services import jobs
from services.calendar import PAYMENT_DAYS, TAIPEI
from services.formats.dates import parse_recent_day

JOB_KIND = "payment_reminder"
DAYS_BEFORE = (5, 1)
"""Days before the last day to pay on at which a reminder is sent."""
_HOUR = time(10, tzinfo=TAIPEI)
_OFF = "off"
MAX_APPLICATION_AGE = timedelta(days=60)
"""Dates further in the past are not taken for a date of application."""


@dataclass(frozen=True)
class Reminder:
    """A reminder of a payment deadline.

    :ivar client_language: of the person's Telegram client when they asked for it.
    :ivar last_day: the last day to pay on.
    :ivar application: the application to be paid, where it is stored here.
    """

    chat_id: int
    user_id: int
    client_language: str | None
    last_day: date
    application: str | None = None


def parse_application_day(text: str, today: date) -> date:
    """Parse a past date, ROC (民國), Gregorian or relative such as *yesterday*.

    :raises FormatError: for anything else.
    """
    return parse_recent_day(text, today, MAX_APPLICATION_AGE)


def estimate_last_payment_day(applied: date) -> date:
    """The last day to pay on."""
    return applied + timedelta(days=PAYMENT_DAYS)


def reminder_times(last: date, now: datetime) -> list[datetime]:
    """The times of the reminders that are still to come."""
    days = (last - timedelta(days=before) for before in DAYS_BEFORE)
    return [at for day in days if (at := datetime.combine(day, _HOUR)) > now]


async def schedule_reminders(session: AsyncSession, reminder: Reminder, now: datetime) -> int:
    """Schedule the reminders still to come in place of earlier ones, and return their number."""
    prefix = _key_prefix(reminder.chat_id, reminder.application)
    await jobs.cancel_with_prefix(session, prefix)
    times = reminder_times(reminder.last_day, now)
    for number, at in enumerate(times):
        await jobs.schedule(session, JOB_KIND, f"{prefix}{number}", at, _to_reference(reminder))
    return len(times)


async def schedule_unless_off(session: AsyncSession, reminder: Reminder, now: datetime) -> int:
    """Schedule reminders unless they are turned off, and return their number."""
    if await are_turned_off(session, reminder.chat_id, reminder.application):
        return 0
    return await schedule_reminders(session, reminder, now)


async def cancel_reminders(
    session: AsyncSession, chat_id: int, application: str | None = None
) -> None:
    """Cancel the reminders of a chat, if there are any."""
    await jobs.cancel_with_prefix(session, _key_prefix(chat_id, application))


async def turn_off_reminders(session: AsyncSession, reminder: Reminder) -> None:
    """Turn the reminders of an application off, so that they are not scheduled again unasked.

    The choice is stored as a job as well, which ends with the deadline.
    """
    await cancel_reminders(session, reminder.chat_id, reminder.application)
    key = _key_prefix(reminder.chat_id, reminder.application) + _OFF
    at = datetime.combine(reminder.last_day + timedelta(days=1), time(), TAIPEI)
    await jobs.schedule(session, JOB_KIND, key, at, json.dumps({_OFF: True}))


async def are_turned_off(session: AsyncSession, chat_id: int, application: str | None) -> bool:
    """Whether the reminders of an application are turned off in a chat."""
    return _OFF in await jobs.references_with_prefix(session, _key_prefix(chat_id, application))


async def turn_off_in_chat(session: AsyncSession, chat_id: int, application: str) -> None:
    """Turn the reminders of an application off in a chat, if any is to come."""
    references = await jobs.references_with_prefix(session, _key_prefix(chat_id, application))
    for reminder in map(from_reference, references.values()):
        if reminder is not None:
            return await turn_off_reminders(session, reminder)
    return None


async def cancel_application(session: AsyncSession, application: str) -> None:
    """Cancel every reminder of an application, since it is paid or gone."""
    await jobs.cancel_with_prefix(session, f"{JOB_KIND}/{application}/")


def from_reference(reference: str) -> Reminder | None:
    """Parse the reference of a job; `None` if it only says that reminders are turned off."""
    values = json.loads(reference)
    if _OFF in values:
        return None
    return Reminder(
        chat_id=values["chat"],
        user_id=values["user"],
        client_language=values["language"],
        last_day=date.fromisoformat(values["last_day"]),
        application=values.get("application"),
    )


def _to_reference(reminder: Reminder) -> str:
    return json.dumps(
        {
            "chat": reminder.chat_id,
            "user": reminder.user_id,
            "language": reminder.client_language,
            "last_day": reminder.last_day.isoformat(),
            "application": reminder.application,
        }
    )


def _key_prefix(chat_id: int, application: str | None) -> str:
    """Prefix of the job keys of a chat's reminders; those of one application share a prefix too."""
    return f"{JOB_KIND}/{application}/{chat_id}/" if application else f"{JOB_KIND}/{chat_id}/"
