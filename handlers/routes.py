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

from handlers import (
    bridge_events,
    browse,
    guard,
    guide,
    inline,
    membership,
    notices,
    others,
    payments,
    privacy,
    questions,
    votes,
    welcome,
)
from handlers.callback_data import decode
from handlers.context import Context
from handlers.dialog import entering, pressing, texting
from handlers.embedded import pairing
from handlers.guide import overview, reminders
from services.bridge.events import BridgeEvent
from services.dialogs import Dialogs

Route = Callable[[Update, Context, list[str]], Awaitable[str | None]]
"""A button's route: gives the toast to show, `None` for an argument it cannot make sense of."""

ROUTES: Mapping[str, Route] = {
    "anew": entering.on_anew,
    "browse": browse.on_browse,
    "delete": others.on_delete,
    "dlg": pressing.on_press,
    "do": entering.on_do,
    "doubt": notices.on_doubt,
    "faq": browse.on_entry,
    "go": entering.on_go,
    "guides": overview.on_guides,
    "inline": inline.on_inline_language,
    "language": welcome.on_choose_language,
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

    def __init__(self, dialogs: Dialogs) -> None:
        super().__init__()
        self._dialogs = dialogs

    def filter(self, update: Update) -> bool:
        message = update.message or update.edited_message
        if message is None or message.from_user is None:
            return False
        return self._dialogs.may_be_open(message.chat.id, message.from_user.id)


def register(application: Application[Any, Context, Any, Any, Any, Any]) -> None:
    """Put every handler in its place; what is most frequent is asked first."""
    application.bot_data["conversations"] = guide.CONVERSATIONS
    application.add_handler(MessageHandler(_Words(), guard.on_any_text), _GUARD)
    for handler in (
        MessageHandler(_PlainText(), on_text),
        CallbackQueryHandler(on_button),
        InlineQueryHandler(inline.on_inline),
        PreCheckoutQueryHandler(payments.on_pre_checkout),
        MessageHandler(filters.SUCCESSFUL_PAYMENT, payments.on_successful_payment),
        CommandHandler("start", welcome.on_start),
        CommandHandler("help", welcome.on_help),
        CommandHandler("language", welcome.on_language),
        CommandHandler("faq", browse.on_faq),
        CommandHandler("privacy", privacy.on_privacy),
        CommandHandler("guide", overview.on_guide),
        CommandHandler("cancel", texting.on_cancel),
        CommandHandler("pair", pairing.on_pair),
        CommandHandler("unpair", pairing.on_unpair),
        TypeHandler(BridgeEvent, bridge_events.on_event),
        MessageHandler(_WRITTEN & filters.COMMAND, others.on_unknown_command),
        ChatMemberHandler(membership.on_membership, ChatMemberHandler.MY_CHAT_MEMBER),
        MessageHandler(_WRITTEN & ~filters.StatusUpdate.ALL, others.on_media),
    ):
        application.add_handler(handler, _MAIN)
    in_dialog = _InDialog(application.bot_data["services"].dialogs)
    application.add_handler(MessageHandler(in_dialog, texting.after), _AFTER)


async def on_text(update: Update, context: Context) -> None:
    """Give a text to the open conversation first; what it did not ask for is a question."""
    if not await texting.on_text(update, context):
        await questions.on_text(update, context)


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
