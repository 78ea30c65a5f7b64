"""What every method that sends something has in common."""

from sandbox.bot_api.keyboards import normalise_markup
from sandbox.bot_api.params.message_params import DestinationParams
from sandbox.bot_api.target_lookup import (
    find_quote,
    find_replied_message,
    find_writable_chat,
    refuse_unsupported,
    resolve_thread,
)
from sandbox.types import Json
from sandbox.world.chats import ChatState, StoredMessage
from sandbox.world.delivery import post_message
from sandbox.world.world import World


def send_to_chat(
    world: World,
    params: DestinationParams,
    content: Json,
    *,
    markup: Json | None = None,
    invoice: bool = False,
    calls: int = 1,
) -> StoredMessage:
    """Send `content` to where `params` says.

    :param calls: how many messages it counts as, which is none after the first of an album.
    :param markup: the keyboard where it is not the one of `params`.
    :raises ApiError: where Telegram refuses the place, the reply or the keyboard.
    """
    refuse_unsupported(**params.unsupported_features())
    chat = find_writable_chat(world, params.chat_id)
    thread = resolve_thread(world, chat, params.message_thread_id)
    reply = params.reply_parameters
    reply_to = find_replied_message(world, chat, dict(reply) if reply else None)
    if not thread and reply_to is not None:
        thread = resolve_thread(world, chat, reply_to.topic_id)
    wanted = markup or params.keyboard()
    keyboard = normalise_markup(wanted, private=chat.is_private, invoice=invoice)
    if calls:
        world.count_message(chat, calls)
    extras = _extra_fields(params, keyboard)
    if quote := find_quote(reply_to, dict(reply) if reply else None):
        extras["quote"] = quote
    stored = post_message(
        world, chat, world.bot.user, {**content, **extras}, thread=thread, reply_to=reply_to
    )
    _show_reply_keyboard(chat, stored, keyboard)
    return stored


def _extra_fields(params: DestinationParams, keyboard: Json | None) -> Json:
    extras: Json = {}
    if params.protect_content:
        extras["has_protected_content"] = True
    if params.message_effect_id:
        extras["effect_id"] = params.message_effect_id
    if keyboard and "inline_keyboard" in keyboard:
        extras["reply_markup"] = keyboard
    return extras


def _show_reply_keyboard(chat: ChatState, stored: StoredMessage, keyboard: Json | None) -> None:
    """Replace the keyboard shown in the chat by one that is not inline."""
    if not keyboard or "inline_keyboard" in keyboard:
        return
    stored.has_reply_keyboard = True
    chat.reply_keyboard = None if "remove_keyboard" in keyboard else keyboard
