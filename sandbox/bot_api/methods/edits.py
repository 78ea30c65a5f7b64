"""Methods that change a message."""

from sandbox.bot_api.keyboards import normalise_inline_keyboard
from sandbox.bot_api.method_registry import api_method
from sandbox.bot_api.methods.messages import parse_caption
from sandbox.bot_api.params.message_params import (
    EditMessageCaption,
    EditMessageReplyMarkup,
    EditMessageText,
    EditParams,
)
from sandbox.bot_api.target_lookup import find_chat, find_message, refuse_unsupported
from sandbox.errors import bad_request
from sandbox.limits import CAPTIONED_KINDS, MAX_TEXT_LENGTH
from sandbox.markup import parse_formatted_text
from sandbox.types import Json
from sandbox.world.chats import ChatState, StoredMessage
from sandbox.world.delivery import replace_message
from sandbox.world.world import World

_TEXT = ("text", "entities", "link_preview_options")
_CAPTION = ("caption", "caption_entities")
_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the "
    "same as a current content and reply markup of the message"
)


@api_method("editMessageText", EditMessageText)
def edit_message_text(world: World, params: EditMessageText) -> Json | bool:
    """Change the text of a message; its keyboard goes unless it is given again."""
    refuse_unsupported(rich_messages=params.rich_message)
    if not params.text:
        raise bad_request("Message text is empty")
    text, entities = parse_formatted_text(params.text, params.parse_mode, params.entities)
    chat, stored = _find_target(world, params)
    if "text" not in stored.message:
        raise bad_request("There is no text in the message to edit")
    if not text:
        raise bad_request("Text must be non-empty")
    if len(text) > MAX_TEXT_LENGTH:
        raise bad_request("MESSAGE_TOO_LONG")
    content: Json = {"text": text}
    if entities:
        content["entities"] = entities
    if params.link_preview_options:
        content["link_preview_options"] = params.link_preview_options
    return _edit(world, params, chat, stored, _TEXT, content)


@api_method("editMessageCaption", EditMessageCaption)
def edit_message_caption(world: World, params: EditMessageCaption) -> Json | bool:
    """Change the caption of a message."""
    content = parse_caption(params.caption, params.parse_mode, params.caption_entities)
    chat, stored = _find_target(world, params)
    if not any(kind in stored.message for kind in CAPTIONED_KINDS):
        raise bad_request("There is no caption in the message to edit")
    return _edit(world, params, chat, stored, _CAPTION, content)


@api_method("editMessageReplyMarkup", EditMessageReplyMarkup)
def edit_message_reply_markup(world: World, params: EditMessageReplyMarkup) -> Json | bool:
    """Change the inline keyboard of a message, or take it away."""
    chat, stored = _find_target(world, params)
    return _edit(world, params, chat, stored, (), {})


def _find_target(world: World, params: EditParams) -> tuple[ChatState, StoredMessage]:
    """Return the message to edit, and the chat it is in."""
    refuse_unsupported(business_connection=params.business_connection_id)
    if not params.chat_id and not params.message_id:
        return _find_inline_target(world, params.inline_message_id)
    chat = find_chat(world, params.chat_id)
    stored = find_message(chat, params.message_id, "message to edit")
    by_us = stored.message.get("via_bot", {}).get("id") == world.bot.id
    mine = stored.is_outgoing or by_us
    if not mine or stored.is_forward or stored.has_reply_keyboard or stored.is_service:
        raise bad_request("Message can't be edited")
    return chat, stored


def _find_inline_target(world: World, inline_id: str) -> tuple[ChatState, StoredMessage]:
    if not inline_id:
        raise bad_request("Message identifier is not specified")
    place = world.inline_messages.get(inline_id)
    if place is None:
        raise bad_request("MESSAGE_ID_INVALID")
    chat = world.chats[place[0]]
    return chat, chat.messages[place[1]]


def _edit(
    world: World,
    params: EditParams,
    chat: ChatState,
    stored: StoredMessage,
    fields: tuple[str, ...],
    content: Json,
) -> Json | bool:
    """Put `content` in place of `fields`, and the keyboard of `params` in place of the old one."""
    is_invoice = "invoice" in stored.message
    keyboard = normalise_inline_keyboard(
        dict(params.reply_markup) if params.reply_markup else None, invoice=is_invoice
    )
    old = {key: stored.message.get(key) for key in (*fields, "reply_markup")}
    new = {**dict.fromkeys(old), **content, "reply_markup": keyboard}
    if old == new:
        raise bad_request(_NOT_MODIFIED)
    world.count_change(chat)
    message = {key: value for key, value in stored.message.items() if key not in old}
    message["edit_date"] = world.timestamp()
    message.update({key: value for key, value in new.items() if value is not None})
    replace_message(world, chat, stored, message)
    if params.inline_message_id and not params.chat_id:
        return True
    return {key: value for key, value in message.items() if key != "reply_to_message"}
