"""Reminders of the payment deadline: the step that asks for the day, and the messages later."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from telegram import Bot, InlineKeyboardButton, Update
from telegram.constants import ParseMode
from telegram.error import BadRequest, Forbidden

from handlers.context import Context, Services
from handlers.engine.model import Effect, InputRejectedError, StepContext
from handlers.screen.closed_chats import is_chat_closed
from handlers.screen.dates import format_date, format_dates
from handlers.screen.text import N_, Markup, label, say
from handlers.screen.view import View, button, show, view
from services import jobs
from services.calendar import today
from services.formats.errors import FormatError, FormatProblem
from services.messaging import payment_reminders
from services.messaging.payment_reminders import Reminder
from services.people.chats import close_chat
from services.storage.models import Job

APPLICATION_DAY = "applied"
"""Step data: the day on which the person applied."""

_log = structlog.get_logger()


def read_application_day(text: str, ctx: StepContext) -> Mapping[str, str] | None:
    """Parse the day of the application; `None` for a text that is not a date.

    :raises InputRejectedError: for a day on which nobody can have applied.
    """
    now = today(ctx.now)
    try:
        applied = payment_reminders.parse_application_day(text, now)
    except FormatError as error:
        if error.reason in _REFUSALS:
            raise InputRejectedError(_REFUSALS[error.reason]) from None
        return None
    return (
        {APPLICATION_DAY: applied.isoformat()}
        if now - applied <= payment_reminders.MAX_APPLICATION_AGE
        else None
    )


_REFUSALS = {
    FormatProblem.AMBIGUOUS: N_("Is it day or month first? Write the year first: 2026-11-20."),
    FormatProblem.NO_SUCH_DAY: N_(
        "This date does not exist. Write it like 2026-11-20 or 115/11/20."
    ),
    FormatProblem.TOO_LONG_AGO: N_(
        "That is a long time ago: an unpaid application is deleted after {pay_days}. When did you "
        "apply?"
    ),
    FormatProblem.FUTURE: N_("This date is in the future. When did you apply?"),
}


def days_ago(days: int) -> Effect:
    """Return the effect of a button such as *Yesterday*."""

    async def effect(session: AsyncSession, ctx: StepContext) -> Mapping[str, str]:
        applied = today(ctx.now) - timedelta(days=days)
        data = {APPLICATION_DAY: applied.isoformat()}
        await set_reminders(session, replace(ctx, data={**ctx.data, **data}))
        return data

    return effect


async def set_reminders(session: AsyncSession, ctx: StepContext) -> Mapping[str, str]:
    """Schedule the reminders."""
    applied = date.fromisoformat(ctx.data[APPLICATION_DAY])
    reminder = Reminder(
        ctx.chat_id,
        ctx.user_id,
        ctx.client_language,
        payment_reminders.estimate_last_payment_day(applied),
    )
    await payment_reminders.schedule_reminders(session, reminder, ctx.now)
    return {}


async def stop_reminders(session: AsyncSession, ctx: StepContext) -> Mapping[str, str]:
    """Cancel the reminders."""
    await payment_reminders.cancel_reminders(session, ctx.chat_id)
    return {}


def status_text(ctx: StepContext) -> Markup:
    """Return the deadline that follows from the day, and when the reminders come."""
    applied = date.fromisoformat(ctx.data[APPLICATION_DAY])
    last, now = payment_reminders.estimate_last_payment_day(applied), today(ctx.now)
    if last < now:
        return say(
            ctx.language,
            "⏳ You applied on {applied}: your last day to pay was <b>{last}</b>. The system "
            "deletes an unpaid application. Apply again in person at any NIA service station. "
            "To make sure, check the payment page or call {hotline}.",
            applied=format_date(applied, ctx.language),
            last=format_date(last, ctx.language),
        )
    text = say(
        ctx.language,
        "⏰ You applied on {applied}: your last day to pay is <b>{last}</b> (days left: "
        "{left}). Day 1 is the day after you applied. Not fully confirmed, so please pay a few "
        "days earlier.",
        applied=format_date(applied, ctx.language),
        last=format_date(last, ctx.language),
        left=(last - now).days,
    )
    return Markup(f"{text}\n\n{_reminders_text(applied, ctx)}")


def has_reminder_ahead(ctx: StepContext) -> bool:
    """Return whether a reminder is still to come."""
    return bool(_moments(date.fromisoformat(ctx.data[APPLICATION_DAY]), ctx))


def _moments(applied: date, ctx: StepContext) -> list[datetime]:
    return payment_reminders.reminder_times(
        payment_reminders.estimate_last_payment_day(applied), ctx.now
    )


def _reminders_text(applied: date, ctx: StepContext) -> Markup:
    days = _moments(applied, ctx)
    if not days:
        return say(ctx.language, "It's too late for a reminder: please pay now.")
    return say(
        ctx.language,
        "🔔 You'll get a reminder on {days}, at ten in the morning.",
        days=format_dates((day.date() for day in days), ctx.language),
    )


async def on_remind(update: Update, context: Context, parts: list[str]) -> str | None:
    """Turn the reminders off, ``[off]``, ``[off, application]`` or, as paid, ``[paid]``."""
    chat, services = update.effective_chat, context.services
    if chat is None or (parts not in (["off"], ["paid"]) and (len(parts), parts[0]) != (2, "off")):
        return None
    language = context.language(update)
    async with services.database.unit_of_work() as session:
        if len(parts) == 2:
            await payment_reminders.turn_off_in_chat(session, chat.id, parts[1])
        else:
            await payment_reminders.cancel_reminders(session, chat.id)
    if parts == ["paid"]:
        text = say(
            language,
            "✅ Good. Your card comes by post in about {delivery}. Then activate it (開卡).",
        )
    else:
        text = say(language, "🔕 Reminders are off. Your deadline stays the same.")
    await show(update, context, view(text, _guides_row(language)))
    return ""


async def send_reminder(bot: Bot, services: Services, row: Job) -> None:
    """Send a reminder; it is dropped where the person has paid or blocked the bot."""
    reminder = payment_reminders.from_reference(row.reference)
    shown = _render_reminder(reminder, services) if reminder else None
    if reminder is None or shown is None or not await _is_wanted(services, row):
        return
    try:
        await bot.send_message(
            reminder.chat_id,
            shown.texts[0],
            parse_mode=ParseMode.HTML,
            reply_markup=shown.keyboard,
        )
    except (Forbidden, BadRequest) as error:
        if not is_chat_closed(error):
            _log.error("reminder_refused", error=type(error).__name__, exc_info=error)
            return
        _log.info("reminder_not_wanted", error=type(error).__name__)
        async with services.database.unit_of_work() as session:
            await close_chat(session, reminder.chat_id, services.now())


async def _is_wanted(services: Services, row: Job) -> bool:
    """Whether the reminder was not cancelled since the job was taken."""
    async with services.database.unit_of_work() as session:
        return await jobs.still_exists(session, row)


def _render_reminder(reminder: Reminder, services: Services) -> View | None:
    language = services.languages.resolve(reminder.user_id, reminder.client_language)
    if reminder.application is not None:
        return _application_reminder(reminder, language, services.now())
    return _guide_reminder(reminder, language, services.now())


def _guide_reminder(reminder: Reminder, language: str, now: datetime) -> View:
    """Return the reminder of an application whose day the person entered."""
    left = (reminder.last_day - today(now)).days
    if left < 0:  # the bot was not running on the day
        text = say(
            language,
            "⏰ By the date you gave, your last day to pay was {last}. If you haven't paid, "
            "check the payment page or call {hotline}.",
            last=format_date(reminder.last_day, language),
        )
    else:
        text = say(
            language,
            "⏰ <b>Days left to pay the card fee: {left}</b>\n"
            "By the date you gave, your last day is {last}. If you don't pay, the application "
            "is deleted.",
            left=left,
            last=format_date(reminder.last_day, language),
        )
    return view(
        text,
        [button(label(language, "💳 Show me how to pay"), "go", "pay")],
        [
            button(label(language, "✅ I've paid"), "remind", "paid"),
            button(label(language, "🔕 Stop reminders"), "remind", "off"),
        ],
    )


def _application_reminder(reminder: Reminder, language: str, now: datetime) -> View | None:
    """Return the reminder of an application on record; `None` after the deadline."""
    left = (reminder.last_day - today(now)).days
    if reminder.application is None or left < 0:
        return None
    text = say(
        language,
        "⏰ <b>Days left to pay the card fee: {left}</b>\n"
        "Your last day is {last}. If you don't pay by then, the application is deleted.",
        left=left,
        last=format_date(reminder.last_day, language),
    )
    off = button(label(language, "🔕 Stop reminders"), "remind", "off", reminder.application)
    return view(text, [button(label(language, "💳 Pay now"), "go", "pay")], [off])


def _guides_row(language: str) -> list[InlineKeyboardButton]:
    return [button(label(language, "🧭 See all guides"), "guides", language)]
