"""Views: the message a handler shows, sent or edited into an existing message, with buttons.

A button carries ``v1:<route>:<argument>``, in at most 64 bytes (Bot API).
"""

import re
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

_MAX_CALLBACK_BYTES = 64
_CALLBACK_DATA = re.compile(r"v1:([a-z_]{1,16}):([A-Za-z0-9_.-]{0,58})")
_UNCHANGED = "not modified"


class Keyboard(InlineKeyboardMarkup):
    """A keyboard that caches its JSON, since the same ones are sent many times."""

    @cached_property
    def _json(self) -> dict[str, Any]:
        return super().to_dict()

    def to_dict(self, recursive: bool = True) -> dict[str, Any]:
        """Return the cached JSON, which must not be changed."""
        return self._json


class _NoPreview(LinkPreviewOptions):
    """Disabled link previews with cached JSON."""

    def to_dict(self, recursive: bool = True) -> dict[str, Any]:
        """Return the cached JSON, which must not be changed."""
        return _NO_PREVIEW_JSON


_NO_PREVIEW_JSON: dict[str, Any] = {"is_disabled": True}
_NO_PREVIEW = _NoPreview(is_disabled=True)


@dataclass(frozen=True, slots=True)
class View:
    """One or more messages to show.

    :ivar texts: Telegram HTML, one text per message.
    :ivar keyboard: the buttons under the last message.
    :ivar on_shown: called with the id of the last message, which may be edited later.
    """

    texts: tuple[str, ...]
    keyboard: InlineKeyboardMarkup | None = None
    on_shown: Callable[[int], None] | None = None

    def report_shown(self, message_id: int) -> None:
        """Call `on_shown`, if there is one."""
        if self.on_shown is not None:
            self.on_shown(message_id)


def view(text: str, *rows: list[InlineKeyboardButton]) -> View:
    """Return a view of one message."""
    return View((text,), Keyboard(rows) if rows else None)


def button(text: str, route: str, *parts: str) -> InlineKeyboardButton:
    """Return a button that calls a route of `handlers.routes`."""
    return InlineKeyboardButton(text, callback_data=encode_callback_data(route, *parts))


@dataclass(frozen=True, slots=True)
class PressedButton:
    """The decoded data of a pressed button.

    :ivar argument: the parts, joined by dots.
    """

    route: str
    argument: str

    @property
    def parts(self) -> list[str]:
        """The parts of the argument."""
        return self.argument.split(".")


def encode_callback_data(route: str, *parts: str) -> str:
    """Return the callback data of a button.

    :raises ValueError: for data that `decode_callback_data` would reject.
    """
    data = f"v1:{route}:{'.'.join(parts)}"
    if len(data.encode()) > _MAX_CALLBACK_BYTES or not _CALLBACK_DATA.fullmatch(data):
        raise ValueError(f"not valid as callback data: route {route}")
    return data


def decode_callback_data(data: str | None) -> PressedButton | None:
    """Return the decoded data; `None` for another version, another format or forged data."""
    match = _CALLBACK_DATA.fullmatch(data or "")
    return PressedButton(match[1], match[2]) if match else None


async def show(update: Update, context: Context, shown: View) -> None:
    """Edit the message whose button was pressed, or send the view as a new message."""
    query = update.callback_query
    if query is None or len(shown.texts) > 1 or not await _edit(update, context, shown):
        await send(update, context, shown)


async def send(update: Update, context: Context, shown: View) -> None:
    """Send the view as new messages; in a group, as a reply to the person's message."""
    assert update.effective_chat is not None
    where = placement(update)
    for text in shown.texts:
        sent = await context.bot.send_message(
            update.effective_chat.id,
            text,
            parse_mode=ParseMode.HTML,
            reply_markup=shown.keyboard if text is shown.texts[-1] else None,
            link_preview_options=_NO_PREVIEW,
            **where,
        )
    shown.report_shown(sent.message_id)


def placement(update: Update) -> dict[str, Any]:
    """Return where in the chat an answer goes: in a group, as a reply and in the topic."""
    chat, message = update.effective_chat, update.effective_message
    if chat is None or chat.type == ChatType.PRIVATE or not isinstance(message, Message):
        return {}
    return {
        "reply_to_message_id": None if update.callback_query else message.message_id,
        "allow_sending_without_reply": True,
        "message_thread_id": message.message_thread_id if message.is_topic_message else None,
    }


async def show_at(bot: Bot, chat_id: int, message_id: int | None, shown: View) -> None:
    """Edit a message of the bot, or send the view as a new message, without an update."""
    options: dict[str, Any] = {
        "parse_mode": ParseMode.HTML,
        "reply_markup": shown.keyboard,
        "link_preview_options": _NO_PREVIEW,
    }
    if message_id is not None:
        try:
            await bot.edit_message_text(shown.texts[0], chat_id, message_id, **options)
        except BadRequest as error:
            if _UNCHANGED in error.message:
                return
        else:
            shown.report_shown(message_id)
            return
    sent = await bot.send_message(chat_id, shown.texts[0], **options)
    shown.report_shown(sent.message_id)


async def send_to(bot: Bot, chat_id: int, shown: View) -> None:
    """Send the view to a chat without an update."""
    await show_at(bot, chat_id, None, shown)


async def _edit(update: Update, context: Context, shown: View) -> bool:
    """Edit the message in place; `False` where it can no longer be edited."""
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
        # Unchanged, since pressed twice; or too old or deleted, and then sent as a new message.
        if _UNCHANGED not in error.message and query.inline_message_id is None:
            return False
    if isinstance(query.message, Message):
        shown.report_shown(query.message.message_id)
    return True
