"""Methods that change a message."""

from typing import TYPE_CHECKING

from sandbox.bot_api.access import find_chat, find_message, refuse_absent
from sandbox.bot_api.keyboards import check_inline
from sandbox.bot_api.method_registry import method
from sandbox.bot_api.methods.messages import MAX_TEXT, captioned
from sandbox.bot_api.params.message_params import (
    EditMessageCaption,
    EditMessageReplyMarkup,
    EditMessageText,
    EditTarget,
)
from sandbox.errors import bad_request
from sandbox.markup import format_text
from sandbox.types import Json
from sandbox.world.chats import Chat, Stored
from sandbox.world.delivery import replace

if TYPE_CHECKING:
    from sandbox.engine import Engine

_TEXT = ("text", "entities", "link_preview_options")
_CAPTION = ("caption", "caption_entities")
_CAPTIONED = ("photo", "document", "video", "animation", "audio", "voice")
_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the "
    "same as a current content and reply markup of the message"
)


@method("editMessageText", EditMessageText)
def edit_message_text(engine: "Engine", p: EditMessageText) -> Json | bool:
    """Change the text of a message; its keyboard goes unless it is given again."""
    refuse_absent(rich_messages=p.rich_message)
    if not p.text:
        raise bad_request("Message text is empty")
    text, entities = format_text(p.text, p.parse_mode, p.entities)
    chat, stored = _target(engine, p)
    if "text" not in stored.message:
        raise bad_request("There is no text in the message to edit")
    if not text:
        raise bad_request("Text must be non-empty")
    if len(text) > MAX_TEXT:
        raise bad_request("MESSAGE_TOO_LONG")
    content: Json = {"text": text}
    if entities:
        content["entities"] = entities
    if p.link_preview_options:
        content["link_preview_options"] = p.link_preview_options
    return _edit(engine, p, chat, stored, _TEXT, content)


@method("editMessageCaption", EditMessageCaption)
def edit_message_caption(engine: "Engine", p: EditMessageCaption) -> Json | bool:
    """Change the caption of a message."""
    content = captioned(p.caption, p.parse_mode, p.caption_entities)
    chat, stored = _target(engine, p)
    if not any(kind in stored.message for kind in _CAPTIONED):
        raise bad_request("There is no caption in the message to edit")
    return _edit(engine, p, chat, stored, _CAPTION, content)


@method("editMessageReplyMarkup", EditMessageReplyMarkup)
def edit_message_reply_markup(engine: "Engine", p: EditMessageReplyMarkup) -> Json | bool:
    """Change the inline keyboard of a message, or take it away."""
    chat, stored = _target(engine, p)
    return _edit(engine, p, chat, stored, (), {})


def _target(engine: "Engine", p: EditTarget) -> tuple[Chat, Stored]:
    """Give the message to edit, and the chat it is in."""
    refuse_absent(business_connection=p.business_connection_id)
    if not p.chat_id and not p.message_id:
        return _inline_target(engine, p.inline_message_id)
    chat = find_chat(engine, p.chat_id)
    stored = find_message(chat, p.message_id, "message to edit")
    by_us = stored.message.get("via_bot", {}).get("id") == engine.bot.id
    mine = stored.outgoing or by_us
    if not mine or stored.is_forward or stored.has_keyboard or stored.service:
        raise bad_request("Message can't be edited")
    return chat, stored


def _inline_target(engine: "Engine", inline_id: str) -> tuple[Chat, Stored]:
    if not inline_id:
        raise bad_request("Message identifier is not specified")
    place = engine.inline_messages.get(inline_id)
    if place is None:
        raise bad_request("MESSAGE_ID_INVALID")
    chat = engine.chats[place[0]]
    return chat, chat.messages[place[1]]


def _edit(
    engine: "Engine",
    p: EditTarget,
    chat: Chat,
    stored: Stored,
    fields: tuple[str, ...],
    content: Json,
) -> Json | bool:
    """Put `content` in place of `fields`, and the keyboard of `p` in place of the old one."""
    is_invoice = "invoice" in stored.message
    keyboard = check_inline(dict(p.reply_markup) if p.reply_markup else None, invoice=is_invoice)
    old = {key: stored.message.get(key) for key in (*fields, "reply_markup")}
    new = {**dict.fromkeys(old), **content, "reply_markup": keyboard}
    if old == new:
        raise bad_request(_NOT_MODIFIED)
    message = {key: value for key, value in stored.message.items() if key not in old}
    message["edit_date"] = engine.timestamp()
    message.update({key: value for key, value in new.items() if value is not None})
    replace(engine, chat, stored, message)
    if p.inline_message_id and not p.chat_id:
        return True
    return {key: value for key, value in message.items() if key != "reply_to_message"}
