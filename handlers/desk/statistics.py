"""/stats: the figures of the desk for its staff, in private; and the weekly digest."""

from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta

import structlog
from telegram import Bot, InputFile, Update
from telegram.constants import ChatType
from telegram.error import BadRequest, Forbidden

from handlers import fallbacks
from handlers.context import Context, Services
from handlers.desk.staff_members import find_staff_actor
from handlers.desk.subscriber_texts import duration_text
from handlers.desk.topic_texts import REASON_NAMES
from handlers.screen.text import N_, Markup, label, say
from handlers.screen.view import View, button, send, send_to, show, view
from handlers.start import own_name
from services import jobs
from services.calendar import TAIPEI
from services.desk.desk import SupportDesk
from services.desk.statistics import DeskStatistics, load_figures, load_statistics, write_csv
from services.storage.models import Job

COMMAND = "stats"
ROUTE = "stats"
DIGEST_KIND = "desk_digest"
"""Kind of the job that sends the digest every week."""
_CSV = "csv"
_PERIODS: Mapping[str, str] = {"7": N_("7 days"), "30": N_("30 days")}
_WEEK = "7"

_log = structlog.get_logger()


async def on_stats(update: Update, context: Context) -> None:
    """/stats: show the figures of the last week, in private, to a member of the staff."""
    if not await _may_see(update, context):
        await fallbacks.on_unknown_command(update, context)
        return
    shown = await _load_view(context.services, _WEEK, context.language(update))
    await send(update, context, shown)


async def on_stats_button(update: Update, context: Context, parts: list[str]) -> str | None:
    """Handle a button: ``[days]``, or ``[csv, days]`` for a file."""
    *kind, days = parts
    language = context.language(update)
    if days not in _PERIODS or not await _may_see(update, context):
        return None
    if kind == [_CSV]:
        await _send_csv(update, context, days)
    else:
        await show(update, context, await _load_view(context.services, days, language))
    return ""


async def schedule_digest(services: Services, desk: SupportDesk) -> None:
    """Schedule the next digest, unless it is."""
    async with services.database.unit_of_work() as session:
        if not await jobs.references_with_prefix(session, DIGEST_KIND):
            at = _next_digest(desk, services.now())
            await jobs.schedule(session, DIGEST_KIND, DIGEST_KIND, at)


async def send_digest(bot: Bot, services: Services, row: Job, now: datetime) -> None:
    """Send the figures of the week to the admins; runs as the job of the kind `DIGEST_KIND`."""
    desk = services.desk
    assert desk is not None
    async with services.database.unit_of_work() as session:
        await jobs.schedule(session, row.kind, row.key, _next_digest(desk, now))
    if not desk.is_open_for_tickets:
        return
    for admin in sorted(desk.admins):
        language = services.languages.resolve(admin, desk.language)
        try:
            await send_to(bot, admin, await _load_view(services, _WEEK, language))
        except (BadRequest, Forbidden) as error:  # they have not started the bot, or blocked it
            _log.warning("digest_not_sent", error=type(error).__name__)


async def _may_see(update: Update, context: Context) -> bool:
    """Whether this is a private chat with a member of the staff."""
    desk, chat, user = context.services.desk, update.effective_chat, update.effective_user
    if desk is None or not desk.is_open_for_tickets or user is None:
        return False
    if chat is None or chat.type != ChatType.PRIVATE:
        return False
    return await find_staff_actor(context, user.id, user.first_name) is not None


def _next_digest(desk: SupportDesk, now: datetime) -> datetime:
    """Return when the desk opens next on a Monday, or later that week."""
    here = now.astimezone(TAIPEI)
    monday = here.date() + timedelta(days=7 - here.weekday())
    return desk.hours.next_opening(datetime.combine(monday, time(), TAIPEI))


async def _load_view(services: Services, days: str, language: str) -> View:
    desk = services.desk
    assert desk is not None
    since = services.now() - timedelta(days=int(days))
    async with services.database.unit_of_work() as session:
        found = await load_statistics(session, desk.hours, since)
    lines = _lines(services, found, language)
    title = say(
        language,
        "📊 <b>Support desk: {period}</b>",
        period=label(language, _PERIODS[days]),
    )
    others = [
        button(label(language, text), ROUTE, each)
        for each, text in _PERIODS.items()
        if each != days
    ]
    save = button(label(language, "📄 Get a CSV file"), ROUTE, _CSV, days)
    return view(Markup("\n".join([title, *lines])), [*others, save])


async def _send_csv(update: Update, context: Context, days: str) -> None:
    services, chat = context.services, update.effective_chat
    desk = services.desk
    assert desk is not None
    assert chat is not None
    since = services.now() - timedelta(days=int(days))
    async with services.database.unit_of_work() as session:
        figures = await load_figures(session, desk.hours, since)
    name = f"tickets-{services.now():%Y-%m-%d}.csv"
    content = write_csv(figures).encode("utf-8-sig")  # spreadsheets recognise it by the mark
    await context.bot.send_document(chat.id, InputFile(content, name))


def _lines(services: Services, found: DeskStatistics, language: str) -> list[Markup]:
    lines = [
        say(
            language,
            "🙋 Asked: {opened} · resolved: {resolved} · never answered: {unanswered}",
            opened=found.opened,
            resolved=found.resolved,
            unanswered=found.unanswered,
        )
    ]
    lines += _time_lines(found, language)
    languages = [(own_name(name), number) for name, number in found.by_language.items()]
    if languages:
        lines.append(say(language, "🌐 {counts}", counts=_counts(languages)))
    reasons = [
        (label(language, REASON_NAMES[name]) if name else "–", number)
        for name, number in found.by_reason.items()
    ]
    if reasons:
        lines.append(say(language, "🏷 About: {counts}", counts=_counts(reasons)))
    if found.helpful or found.not_helpful:
        yes, no = found.helpful, found.not_helpful
        lines.append(say(language, "⭐ Resolved questions: 👍 {yes} · 👎 {no}", yes=yes, no=no))
    if found.origins:
        lines.append(say(language, "📖 <b>Read before they asked:</b>"))
        lines += [
            say(
                language, "• {title}: {count}", title=_title(services, entry, language), count=count
            )
            for entry, count in found.origins
        ]
    if found.least_helpful:
        lines.append(say(language, "📉 <b>Answers that helped least:</b>"))
        lines += [
            say(
                language,
                "• {title}: 👍 {yes} · 👎 {no}",
                title=_title(services, entry, language),
                yes=yes,
                no=no,
            )
            for entry, yes, no in found.least_helpful
        ]
    return lines


def _time_lines(found: DeskStatistics, language: str) -> list[Markup]:
    lines = []
    if found.first_answer is not None:
        half, most = (duration_text(each, language) for each in found.first_answer)
        lines.append(
            say(
                language,
                "⏱ First answer: half within {half}, nine in ten within {most} of office hours",
                half=half,
                most=most,
            )
        )
    if found.resolution is not None:
        half, most = (duration_text(each, language) for each in found.resolution)
        lines.append(
            say(
                language,
                "🏁 Resolved: half within {half}, nine in ten within {most} of office hours",
                half=half,
                most=most,
            )
        )
    return lines


def _counts(pairs: Iterable[tuple[str, int]]) -> str:
    ordered = sorted(pairs, key=lambda pair: -pair[1])
    return " · ".join(f"{name} {number}" for name, number in ordered)


def _title(services: Services, entry_id: str, language: str) -> str:
    entry = services.entries.get(entry_id, language)
    return entry_id if entry is None else entry.title
