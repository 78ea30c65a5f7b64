"""Inline mode: ``@bot question`` in any chat lists answers and sends the chosen one."""

from contextlib import suppress
from functools import lru_cache
from time import monotonic

import structlog
from telegram import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQuery,
    InlineQueryResultArticle,
    InlineQueryResultsButton,
    InputTextMessageContent,
    LinkPreviewOptions,
    Update,
)
from telegram.constants import ParseMode
from telegram.error import TelegramError
from telegram.helpers import create_deep_linked_url

import locales
from handlers.context import Context
from handlers.desk.inline_codes import find_code_results
from handlers.faq import answers
from handlers.guards import pause_label
from handlers.screen import markdown
from handlers.screen.text import label
from handlers.screen.view import button
from services.faq.entries import Entry, Mode
from services.request_limits import RequestLimiter

PAGE = 10
_MORE = "more"
"""The part of callback data that stands for what is behind *More*."""
_CACHE_SECONDS = 60
_PREVIEW = 100
_log = structlog.get_logger()


async def on_inline(update: Update, context: Context) -> None:
    """List matching answers; for an empty query, all of them, page by page."""
    query, services = update.inline_query, context.services
    assert query is not None
    limits = services.request_limits.queries
    if not limits.grants(query.from_user.id, monotonic()):
        await _tell_pause(query, update.update_id, limits)
        return
    codes = await find_code_results(query, context)
    if codes is not None:
        with suppress(TelegramError):
            await query.answer(codes, cache_time=0, is_personal=True)
        return
    language, ids = context.language(update), list(services.entries.ids)
    if services.secret_detector.find(query.query) is not None:
        ids = []  # nothing that looks like a secret is searched for
    elif query.query.strip():
        answer = services.search.search(query.query[:256], PAGE)
        language = answer.language if answer.language in locales.LANGUAGES else language
        ids = [hit.id for hit in answer.results]
    start = int(query.offset) if query.offset.isdecimal() else 0
    found = [services.entries.get(entry_id, language) for entry_id in ids[start : start + PAGE]]
    username = context.bot.username
    results = [
        _result(entry, answers.find_mode(context, entry), username) for entry in found if entry
    ]
    button = InlineQueryResultsButton(
        label(language, "Ask Kaika in private"), start_parameter="inline"
    )
    try:
        await query.answer(
            results,
            cache_time=_CACHE_SECONDS,
            is_personal=True,
            next_offset=str(start + PAGE) if start + PAGE < len(ids) else "",
            button=button,
        )
    except TelegramError as error:  # nobody waits for it a minute later
        _log.info("inline_query_not_answered", error=type(error).__name__)


async def _tell_pause(query: InlineQuery, update_id: int, limits: RequestLimiter) -> None:
    """Say once when queries are answered again."""
    if limits.limit is None or not limits.mark_told(query.from_user.id, by=update_id):
        return
    button = InlineQueryResultsButton(pause_label(limits), start_parameter="inline")
    with suppress(TelegramError):
        await query.answer([], cache_time=int(limits.limit.pause), is_personal=True, button=button)


@lru_cache(maxsize=answers.MAX_VIEWS)
def _result(entry: Entry, mode: Mode, username: str) -> InlineQueryResultArticle:
    return InlineQueryResultArticle(
        id=f"{entry.id}.{entry.language}",
        title=entry.title,
        description=_preview(entry.answers[mode].short),
        input_message_content=InputTextMessageContent(
            answers.answer_text(entry, mode),
            parse_mode=ParseMode.HTML,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        ),
        reply_markup=_keyboard(entry, username, is_more=False),
    )


def _keyboard(entry: Entry, username: str, *, is_more: bool) -> InlineKeyboardMarkup:
    language, other = entry.language, locales.other(entry.language)
    turned = label(language, "« Short answer") if is_more else label(language, "📄 More")
    link = create_deep_linked_url(username, f"faq-{entry.id}")
    return InlineKeyboardMarkup(
        [
            [button(turned, "inline", entry.id, language, *([] if is_more else [_MORE]))],
            [InlineKeyboardButton(label(language, "💬 Open in Kaika"), url=link)],
            [
                button(
                    label(other, "🌐 In English"),
                    *("inline", entry.id, other),
                    *([_MORE] if is_more else []),
                )
            ],
        ]
    )


async def on_inline_button(update: Update, context: Context, parts: list[str]) -> str | None:
    """Show an answer sent inline ``[entry, language]``, or what is behind *More* in it."""
    query = update.callback_query
    assert query is not None
    match parts:
        case [entry_id, language, *rest] if language in locales.LANGUAGES and rest in ([], [_MORE]):
            entry, is_more = context.services.entries.get(entry_id, language), bool(rest)
        case _:
            return None
    if entry is None:
        return None
    mode = answers.find_mode(context, entry)
    await query.edit_message_text(
        answers.more_text(entry, mode) if is_more else answers.answer_text(entry, mode),
        parse_mode=ParseMode.HTML,
        reply_markup=_keyboard(entry, context.bot.username, is_more=is_more),
        link_preview_options=LinkPreviewOptions(is_disabled=True),
    )
    return ""


def _preview(body: str) -> str:
    """Return the beginning of an entry as plain text."""
    plain = answers.strip_tags(markdown.render(body)[0])
    return plain if len(plain) <= _PREVIEW else plain[: _PREVIEW - 1] + "…"
