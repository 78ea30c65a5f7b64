"""Reminders that an application is still to be paid; its payment ends them by itself."""

from datetime import datetime

from handlers.screen.dates import format_date
from handlers.screen.text import label, say
from handlers.screen.view import View, button, view
from services.calendar import today
from services.messaging.reminders import Reminder


def reminder_view(reminder: Reminder, language: str, now: datetime) -> View | None:
    """Give a reminder as it is read now; `None` once the days to pay are over."""
    left = (reminder.last_day - today(now)).days
    if reminder.application is None or left < 0:
        return None
    text = say(
        language,
        "⏰ <b>Days left to pay for your card: {left}</b>\nThe last day is {last}. An application "
        "that is not paid by then is deleted.",
        left=left,
        last=format_date(reminder.last_day, language),
    )
    off = button(label(language, "🔕 No more reminders"), "remind", "off", reminder.application)
    return view(
        text,
        [button(label(language, "💳 Pay now"), "go", "pay")],
        [off],
    )
