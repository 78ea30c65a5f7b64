"""The routes of updates and buttons to their handlers."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from telegram import CallbackQuery, Update
from telegram.error import BadRequest, RetryAfter, TelegramError
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
    card_events,
    fallbacks,
    guards,
    lost_card,
    notifications,
    pictures,
    privacy,
    start,
    status_card,
)
from handlers.context import Context
from handlers.conversations import guide_command, pair
from handlers.conversations.pay import checkout, reminders
from handlers.conversations.registry import GUIDES
from handlers.desk import setup, statistics, subscriber, subscriber_messages, subscriber_texts
from handlers.desk.staff_group import StaffGroupHandler
from handlers.desk.subscriber import TicketChatHandler
from handlers.engine import button_handler, message_handler, start_handler
from handlers.faq import browse, inline, questions, votes
from handlers.screen.text import N_, label
from handlers.screen.view import PressedButton, decode_callback_data
from services.bridge.events import BridgeEvent
from services.conversations import ConversationStore
from services.desk.desk import SupportDesk

Route = Callable[[Update, Context, list[str]], Awaitable[str | None]]
"""The handler of a button; returns the toast to show, or `None` for arguments it does not know."""

_log = structlog.get_logger()

_INLINE = "inline"
_ANSWER_FOLLOWS = N_("⏳ Telegram is slowing messages down here. The answer follows.")
ROUTES: Mapping[str, Route] = {
    "anew": start_handler.on_restart,
    "browse": browse.on_browse,
    "delete": fallbacks.on_delete,
    subscriber_texts.ROUTE: subscriber.on_desk_button,
    "dlg": button_handler.on_step_button,
    "do": start_handler.on_do,
    "doubt": notifications.on_doubt,
    "faq": browse.on_entry,
    "go": start_handler.on_go,
    "guides": guide_command.on_guides,
    _INLINE: inline.on_inline_button,
    "language": start.on_choose_language,
    "more": browse.on_more,
    pictures.ROUTE: pictures.on_picture,
    "privacy": privacy.on_privacy_button,
    "related": browse.on_related,
    "remind": reminders.on_remind,
    statistics.ROUTE: statistics.on_stats_button,
    "vote": votes.on_vote,
}

_DESK, _SECRETS, _REQUESTS, _MAIN, _AFTER = -3, -2, -1, 0, 1
_MESSAGES = filters.UpdateType.MESSAGES


class _HasText(filters.UpdateFilter):
    """A message, new or edited, with a text or a caption.

    PTB's filters joined by ``&`` and ``|`` do the same, but slower, and this runs on every update.
    """

    def filter(self, update: Update) -> bool:
        message = update.message or update.edited_message
        return message is not None and bool(message.text or message.caption)


class _Content(filters.UpdateFilter):
    """A message, new or edited, in which somebody says something."""

    def filter(self, update: Update) -> bool:
        message = update.message or update.edited_message
        if message is None:
            return False
        return bool(message.text) or not filters.StatusUpdate.ALL.filter(update)


class _PlainText(filters.UpdateFilter):
    """A text message, new or edited, that is not a command."""

    def filter(self, update: Update) -> bool:
        message = update.message or update.edited_message
        if message is None or not message.text:
            return False
        return not message.text.startswith("/") or not filters.COMMAND.filter(message)


class _HasOpenConversation(filters.UpdateFilter):
    """A message, new or edited, of a person who may have an open conversation in this chat."""

    def __init__(self, store: ConversationStore) -> None:
        super().__init__()
        self._store = store

    def filter(self, update: Update) -> bool:
        message = update.message or update.edited_message
        if message is None or message.from_user is None:
            return False
        return self._store.may_be_open(message.chat.id, message.from_user.id)


def register(application: Application[Any, Context, Any, Any, Any, Any]) -> None:
    """Add every handler to the application, the most frequent updates first."""
    application.bot_data["conversations"] = GUIDES
    desk = application.bot_data["services"].desk
    if desk is not None:
        _register_desk(application, desk)
    application.add_handler(MessageHandler(_HasText(), guards.on_any_text), _SECRETS)
    application.add_handler(MessageHandler(_Content(), guards.on_any_message), _REQUESTS)
    for handler in (
        MessageHandler(_PlainText(), on_text),
        CallbackQueryHandler(on_button),
        InlineQueryHandler(inline.on_inline),
        PreCheckoutQueryHandler(checkout.on_pre_checkout),
        MessageHandler(filters.SUCCESSFUL_PAYMENT, checkout.on_successful_payment),
        CommandHandler("start", start.on_start),
        CommandHandler(lost_card.COMMAND, start.on_lost),
        CommandHandler(status_card.COMMAND, status_card.on_status),
        CommandHandler("help", start.on_help),
        CommandHandler("language", start.on_language),
        CommandHandler("faq", browse.on_faq),
        CommandHandler("privacy", privacy.on_privacy),
        CommandHandler("guide", guide_command.on_guide),
        CommandHandler("cancel", message_handler.on_cancel),
        CommandHandler("pair", pair.on_pair),
        CommandHandler("unpair", pair.on_unpair),
        TypeHandler(BridgeEvent, card_events.on_event),
        MessageHandler(_MESSAGES & filters.COMMAND, fallbacks.on_unknown_command),
        ChatMemberHandler(start.on_membership, ChatMemberHandler.MY_CHAT_MEMBER),
        MessageHandler(filters.StatusUpdate.MIGRATE, start.on_migration),
        MessageHandler(_MESSAGES & ~filters.StatusUpdate.ALL, on_media_message),
    ):
        application.add_handler(handler, _MAIN)
    is_in_conversation = _HasOpenConversation(application.bot_data["services"].conversations)
    application.add_handler(
        MessageHandler(is_in_conversation, message_handler.after_message), _AFTER
    )


def _register_desk(
    application: Application[Any, Context, Any, Any, Any, Any], desk: SupportDesk
) -> None:
    application.add_handler(StaffGroupHandler(desk), _DESK)
    application.add_handler(TicketChatHandler(desk), _DESK)
    for handler in (
        CommandHandler(setup.COMMAND, setup.on_desk),
        CommandHandler(statistics.COMMAND, statistics.on_stats),
        CommandHandler("person", subscriber.on_person),
        CommandHandler("bot", subscriber.on_bot),
        MessageHandler(filters.StatusUpdate.CHAT_SHARED, setup.on_chat_shared),
    ):
        application.add_handler(handler, _MAIN)


async def on_text(update: Update, context: Context) -> None:
    """Pass a text to the open conversation, if any; a text it does not take is a question."""
    if context.ticket is not None and await _take_for_staff(update, context):
        return
    is_in_conversation = context.may_be_in_conversation(update)
    if not (is_in_conversation and await message_handler.on_step_text(update, context)):
        if context.ticket is not None:
            context.is_passed_on = await subscriber_messages.pass_on(update, context)
        await questions.on_question(update, context)


async def _take_for_staff(update: Update, context: Context) -> bool:
    """Whether a text is for the staff alone: an agent has the ticket, or it was passed on."""
    if update.edited_message is not None and await subscriber_messages.on_edited_message(
        update, context
    ):
        context.step_shown = True
        return True
    if context.is_with_staff:
        await subscriber_messages.on_message_with_staff(update, context)
    return context.is_with_staff


async def on_media_message(update: Update, context: Context) -> None:
    """Pass media to the staff where a ticket takes them; else answer them."""
    ticket = context.ticket
    if ticket is not None and ticket.is_open and not ticket.is_muted:
        await subscriber_messages.pass_on_media(update, context)
    else:
        await fallbacks.on_media(update, context)


def _is_within_reach(update: Update, pressed: PressedButton) -> bool:
    """Whether the button may be below its message: below an inline one, there is no chat."""
    return update.effective_chat is not None or pressed.route == _INLINE


async def on_button(update: Update, context: Context) -> None:
    """Call the route of a pressed button, and answer the query also where the route fails."""
    query = update.callback_query
    assert query is not None
    pressed = decode_callback_data(query.data)
    if not await guards.may_be_pressed(query, pressed, update.update_id, context):
        return
    route = ROUTES.get(pressed.route) if pressed and _is_within_reach(update, pressed) else None
    toast: str | None = None
    try:
        if pressed is not None and route is not None:
            toast = await route(update, context, pressed.parts)
    except RetryAfter:
        toast = label(context.language(update), _ANSWER_FOLLOWS)
        raise
    finally:
        if toast is None:
            toast = fallbacks.stale_button(context.language(update))
        await _show_toast(query, toast)


async def _show_toast(query: CallbackQuery, toast: str) -> None:
    """Answer a query; where Telegram does not take it, what the button did stands all the same."""
    try:
        await query.answer(toast or None)
    except TelegramError as error:
        if not isinstance(error, BadRequest):  # pressed so long ago that Telegram no longer waits
            _log.warning("button_not_answered", error=type(error).__name__)
