"""Inline mode: ``@bot question`` in any chat lists answers and sends the chosen one in full."""

import re
from contextlib import suppress
from functools import cache
from html import unescape
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
from handlers.faq import answers
from handlers.guards import pause_label
from handlers.screen import markdown
from handlers.screen.text import label
from handlers.screen.view import button
from services.faq.entries import Entry
from services.request_limits import RequestLimiter

PAGE = 10
_CACHE_SECONDS = 60
_PREVIEW = 100
_log = structlog.get_logger()

_TAGS = re.compile(r"<[^<>]+>")


async def on_inline(update: Update, context: Context) -> None:
    """List matching answers; for an empty query, all of them, page by page."""
    query, services = update.inline_query, context.services
    assert query is not None
    limits = services.request_limits.queries
    if not limits.grants(query.from_user.id, monotonic()):
        await _tell_pause(query, update.update_id, limits)
        return
    language, ids = context.language(update), list(services.entries.ids)
    if services.secret_detector.find(query.query) is not None:
        ids = []  # nothing that looks like a secret is searched for
    elif query.query.strip():
        answer = services.search.search(query.query[:256], PAGE)
        language = answer.language if answer.language in locales.LANGUAGES else language
        ids = [hit.id for hit in answer.results]
    start = int(query.offset) if query.offset.isdecimal() else 0
    page = [services.entries.get(entry_id, language) for entry_id in ids[start : start + PAGE]]
    button = InlineQueryResultsButton(
        label(language, "Ask Kaika in private"), start_parameter="inline"
    )
    try:
        await query.answer(
            [_result(entry, context.bot.username) for entry in page if entry is not None],
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


@cache
def _result(entry: Entry, username: str) -> InlineQueryResultArticle:
    text = answers.entry_texts(entry)[0]
    other = locales.other(entry.language)
    more = create_deep_linked_url(username, f"faq-{entry.id}")
    rows = [
        [InlineKeyboardButton(label(entry.language, "💬 More in Kaika"), url=more)],
        [button(label(other, "🌐 In English"), "inline", entry.id, other)],
    ]
    return InlineQueryResultArticle(
        id=f"{entry.id}.{entry.language}",
        title=entry.title,
        description=_preview(entry.body),
        input_message_content=InputTextMessageContent(
            text,
            parse_mode=ParseMode.HTML,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        ),
        reply_markup=InlineKeyboardMarkup(rows),
    )


async def on_inline_language(update: Update, context: Context, parts: list[str]) -> str | None:
    """Show an answer sent inline in the other language ``[entry, language]``."""
    query = update.callback_query
    assert query is not None
    if len(parts) != 2 or parts[1] not in locales.LANGUAGES:
        return None
    entry = context.services.entries.get(*parts)
    if entry is None:
        return None
    result = _result(entry, context.bot.username)
    await query.edit_message_text(
        answers.entry_texts(entry)[0],
        parse_mode=ParseMode.HTML,
        reply_markup=result.reply_markup,
        link_preview_options=LinkPreviewOptions(is_disabled=True),
    )
    return ""


def _preview(body: str) -> str:
    """Return the beginning of an entry as plain text."""
    plain = unescape(_TAGS.sub("", markdown.render(body)[0]))
    return plain if len(plain) <= _PREVIEW else plain[: _PREVIEW - 1] + "…"
