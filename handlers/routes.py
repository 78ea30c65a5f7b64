"""Which update goes to which handler."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from telegram import Update
from telegram.error import BadRequest
from telegram.ext import (
    Application,
    CallbackQueryHandler,
    ChatMemberHandler,
    CommandHandler,
    InlineQueryHandler,
    MessageHandler,
    filters,
)

from handlers import browse, guard, inline, membership, others, questions, votes, welcome
from handlers.callback_data import decode
from handlers.context import Context

Route = Callable[[Update, Context, list[str]], Awaitable[str | None]]
"""A button's route: gives the toast to show, `None` for an argument it cannot make sense of."""

ROUTES: Mapping[str, Route] = {
    "browse": browse.on_browse,
    "delete": others.on_delete,
    "faq": browse.on_entry,
    "inline": inline.on_inline_language,
    "language": welcome.on_choose_language,
    "related": browse.on_related,
    "vote": votes.on_vote,
}

_GUARD, _MAIN = -1, 0
_WRITTEN = filters.UpdateType.MESSAGES


def register(application: Application[Any, Context, Any, Any, Any, Any]) -> None:
    """Put every handler in its place; what is most frequent is asked first."""
    text_or_caption = _WRITTEN & (filters.TEXT | filters.CAPTION)
    application.add_handler(MessageHandler(text_or_caption, guard.on_any_text), _GUARD)
    for handler in (
        MessageHandler(_WRITTEN & filters.TEXT & ~filters.COMMAND, questions.on_text),
        CallbackQueryHandler(on_button),
        InlineQueryHandler(inline.on_inline),
        CommandHandler("start", welcome.on_start),
        CommandHandler("help", welcome.on_help),
        CommandHandler("language", welcome.on_language),
        CommandHandler("faq", browse.on_faq),
        MessageHandler(_WRITTEN & filters.COMMAND, others.on_unknown_command),
        ChatMemberHandler(membership.on_membership, ChatMemberHandler.MY_CHAT_MEMBER),
        MessageHandler(_WRITTEN & ~filters.StatusUpdate.ALL, others.on_media),
    ):
        application.add_handler(handler, _MAIN)


async def on_button(update: Update, context: Context) -> None:
    """Lead a pressed button to its route, and answer it whatever happens."""
    query = update.callback_query
    assert query is not None
    pressed = decode(query.data)
    route = ROUTES.get(pressed.route) if pressed else None
    toast: str | None = others.stale_button(context.language(update))
    try:
        if pressed is not None and route is not None:
            said = await route(update, context, pressed.parts)
            toast = toast if said is None else said
    finally:
        with suppress(BadRequest):  # pressed so long ago that Telegram waits no more
            await query.answer(toast or None)
