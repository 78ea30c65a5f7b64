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
    PreCheckoutQueryHandler,
    TypeHandler,
    filters,
)

from handlers import card_events, fallbacks, notifications, privacy, secret_guard, start
from handlers.context import Context
from handlers.conversations import guided, overview, pair
from handlers.conversations.pay import checkout, reminders
from handlers.engine import button_handler, message_handler, start_handler
from handlers.faq import browse, inline, questions, votes
from handlers.screen.callback_data import decode
from services.bridge.events import BridgeEvent
from services.conversations import ConversationStore

Route = Callable[[Update, Context, list[str]], Awaitable[str | None]]
"""A button's route: gives the toast to show, `None` for an argument it cannot make sense of."""

ROUTES: Mapping[str, Route] = {
    "anew": start_handler.on_restart,
    "browse": browse.on_browse,
    "delete": fallbacks.on_delete,
    "dlg": button_handler.on_press,
    "do": start_handler.on_do,
    "doubt": notifications.on_doubt,
    "faq": browse.on_entry,
    "go": start_handler.on_go,
    "guides": overview.on_guides,
    "inline": inline.on_inline_language,
    "language": start.on_choose_language,
    "privacy": privacy.on_press,
    "related": browse.on_related,
    "remind": reminders.on_remind,
    "vote": votes.on_vote,
}

_GUARD, _MAIN, _AFTER = -1, 0, 1
_WRITTEN = filters.UpdateType.MESSAGES


class _Words(filters.UpdateFilter):
    """A message, new or edited, with words.

    One look does what PTB's filters joined by ``&`` and ``|`` take several for, on every update.
    """

    def filter(self, update: Update) -> bool:
        message = update.message or update.edited_message
        return message is not None and bool(message.text or message.caption)


class _PlainText(filters.UpdateFilter):
    """A text, new or edited, that is no command."""

    def filter(self, update: Update) -> bool:
        message = update.message or update.edited_message
        if message is None or not message.text:
            return False
        return not message.text.startswith("/") or not filters.COMMAND.filter(message)


class _InDialog(filters.UpdateFilter):
    """A message, new or edited, of a person with an open conversation in this chat."""

    def __init__(self, store: ConversationStore) -> None:
        super().__init__()
        self._store = store

    def filter(self, update: Update) -> bool:
        message = update.message or update.edited_message
        if message is None or message.from_user is None:
            return False
        return self._store.may_be_open(message.chat.id, message.from_user.id)


def register(application: Application[Any, Context, Any, Any, Any, Any]) -> None:
    """Put every handler in its place; what is most frequent is asked first."""
    application.bot_data["conversations"] = guided.CONVERSATIONS
    application.add_handler(MessageHandler(_Words(), secret_guard.on_any_text), _GUARD)
    for handler in (
        MessageHandler(_PlainText(), on_text),
        CallbackQueryHandler(on_button),
        InlineQueryHandler(inline.on_inline),
        PreCheckoutQueryHandler(checkout.on_pre_checkout),
        MessageHandler(filters.SUCCESSFUL_PAYMENT, checkout.on_successful_payment),
        CommandHandler("start", start.on_start),
        CommandHandler("help", start.on_help),
        CommandHandler("language", start.on_language),
        CommandHandler("faq", browse.on_faq),
        CommandHandler("privacy", privacy.on_privacy),
        CommandHandler("guide", overview.on_guide),
        CommandHandler("cancel", message_handler.on_cancel),
        CommandHandler("pair", pair.on_pair),
        CommandHandler("unpair", pair.on_unpair),
        TypeHandler(BridgeEvent, card_events.on_event),
        MessageHandler(_WRITTEN & filters.COMMAND, fallbacks.on_unknown_command),
        ChatMemberHandler(start.on_membership, ChatMemberHandler.MY_CHAT_MEMBER),
        MessageHandler(_WRITTEN & ~filters.StatusUpdate.ALL, fallbacks.on_media),
    ):
        application.add_handler(handler, _MAIN)
    in_dialog = _InDialog(application.bot_data["services"].conversations)
    application.add_handler(MessageHandler(in_dialog, message_handler.after_message), _AFTER)


async def on_text(update: Update, context: Context) -> None:
    """Return a text to the open conversation first; what it did not ask for is a question."""
    if not await message_handler.on_text(update, context):
        await questions.on_text(update, context)


async def on_button(update: Update, context: Context) -> None:
    """Lead a pressed button to its route, and answer it whatever happens."""
    query = update.callback_query
    assert query is not None
    pressed = decode(query.data)
    route = ROUTES.get(pressed.route) if pressed else None
    toast: str | None = fallbacks.stale_button(context.language(update))
    try:
        if pressed is not None and route is not None:
            said = await route(update, context, pressed.parts)
            toast = toast if said is None else said
    finally:
        with suppress(BadRequest):  # pressed so long ago that Telegram waits no more
            await query.answer(toast or None)
