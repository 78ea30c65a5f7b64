"""What a handler shows, and how it gets into the chat: sent anew, or edited into place."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    Message,
    Update,
)
from telegram.constants import ChatType, ParseMode
from telegram.error import BadRequest

from handlers.context import Context
from handlers.screen.callback_data import encode

_UNCHANGED = "not modified"


class Keyboard(InlineKeyboardMarkup):
    """Buttons whose JSON is made once, since the same ones are sent again and again."""

    @cached_property
    def _json(self) -> dict[str, Any]:
        return super().to_dict()

    def to_dict(self, recursive: bool = True) -> dict[str, Any]:
        """Return the JSON; nobody may change it."""
        return self._json


class _NoPreview(LinkPreviewOptions):
    """No preview of links, its JSON made once."""

    def to_dict(self, recursive: bool = True) -> dict[str, Any]:
        """Return the JSON; nobody may change it."""
        return _NO_PREVIEW_JSON


_NO_PREVIEW_JSON: dict[str, Any] = {"is_disabled": True}
_NO_PREVIEW = _NoPreview(is_disabled=True)


@dataclass(frozen=True, slots=True)
class View:
    """Text as Telegram HTML, one item a message, and the buttons under the last.

    :ivar shown: hears in which message it stands, for who edits it later.
    """

    texts: tuple[str, ...]
    keyboard: InlineKeyboardMarkup | None = None
    on_shown: Callable[[int], None] | None = None

    def report_shown(self, message_id: int) -> None:
        """Tell who edits it later where it is."""
        if self.on_shown is not None:
            self.on_shown(message_id)


def view(text: str, *rows: list[InlineKeyboardButton]) -> View:
    """Return a view of one message."""
    return View((text,), Keyboard(rows) if rows else None)


def button(text: str, route: str, *parts: str) -> InlineKeyboardButton:
    """Return a button that leads to a route of ours."""
    return InlineKeyboardButton(text, callback_data=encode(route, *parts))


async def show(update: Update, context: Context, shown: View) -> None:
    """Edit the view into the message whose button was pressed, else send it."""
    query = update.callback_query
    if query is None or len(shown.texts) > 1 or not await _edit(update, context, shown):
        await send(update, context, shown)


async def send(update: Update, context: Context, shown: View) -> None:
    """Send the view as new messages, in a group as a reply to what was asked."""
    chat, message = update.effective_chat, update.effective_message
    assert chat is not None
    where: dict[str, Any] = {}
    if isinstance(message, Message) and chat.type != ChatType.PRIVATE:
        where["reply_to_message_id"] = None if update.callback_query else message.message_id
        where["allow_sending_without_reply"] = True
        where["message_thread_id"] = message.message_thread_id if message.is_topic_message else None
    for text in shown.texts:
        sent = await context.bot.send_message(
            chat.id,
            text,
            parse_mode=ParseMode.HTML,
            reply_markup=shown.keyboard if text is shown.texts[-1] else None,
            link_preview_options=_NO_PREVIEW,
            **where,
        )
    shown.report_shown(sent.message_id)


async def show_at(bot: Bot, chat_id: int, message_id: int | None, shown: View) -> None:
    """Edit the view into a message of ours, else send it: where nobody wrote or pressed."""
    what: dict[str, Any] = {
        "parse_mode": ParseMode.HTML,
        "reply_markup": shown.keyboard,
        "link_preview_options": _NO_PREVIEW,
    }
    if message_id is not None:
        try:
            await bot.edit_message_text(shown.texts[0], chat_id, message_id, **what)
        except BadRequest as error:
            if _UNCHANGED in error.message:
                return
        else:
            shown.report_shown(message_id)
            return
    sent = await bot.send_message(chat_id, shown.texts[0], **what)
    shown.report_shown(sent.message_id)


async def send_to(bot: Bot, chat_id: int, shown: View) -> None:
    """Send the view to a chat where nobody wrote or pressed."""
    await show_at(bot, chat_id, None, shown)


async def _edit(update: Update, context: Context, shown: View) -> bool:
    """Edit in place; `False` where the message cannot be edited any more."""
    query = update.callback_query
    assert query is not None
    if query.inline_message_id is None and not isinstance(query.message, Message):
        return False
    try:
        await query.edit_message_text(
            shown.texts[0],
            parse_mode=ParseMode.HTML,
            reply_markup=shown.keyboard,
            link_preview_options=_NO_PREVIEW,
        )
    except BadRequest as error:
        # The same button twice, or a message too old or gone: the person still gets the answer.
        if _UNCHANGED not in error.message and query.inline_message_id is None:
            return False
    if isinstance(query.message, Message):
        shown.report_shown(query.message.message_id)
    return True
