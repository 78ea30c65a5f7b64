"""What every method that sends something has in common."""

from sandbox.bot_api.access import (
    check_thread,
    find_replied_message,
    find_writable_chat,
    refuse_unsupported,
)
from sandbox.bot_api.keyboards import check_markup
from sandbox.bot_api.params.message_params import Destination
from sandbox.types import Json
from sandbox.world.chats import ChatState, StoredMessage
from sandbox.world.delivery import post_message
from sandbox.world.world import World


def send(
    world: World,
    params: Destination,
    content: Json,
    *,
    markup: Json | None = None,
    invoice: bool = False,
) -> StoredMessage:
    """Send `content` to where `params` says.

    :param markup: the keyboard where it is not the one of `params`.
    :raises ApiError: where Telegram refuses the place, the reply or the keyboard.
    """
    refuse_unsupported(**params.absent())
    chat = find_writable_chat(world, params.chat_id)
    thread = check_thread(world, chat, params.message_thread_id)
    reply = params.reply_parameters
    reply_to = find_replied_message(world, chat, dict(reply) if reply else None)
    wanted = markup or (dict(params.reply_markup) if params.reply_markup else None)
    keyboard = check_markup(wanted, private=chat.is_private, invoice=invoice)
    if world.flood_control:
        world.flood_control.check(chat.id)
    extras = _extras(params, keyboard)
    stored = post_message(
        world, chat, world.bot.user, {**content, **extras}, thread=thread, reply_to=reply_to
    )
    _keep_keyboard(chat, stored, keyboard)
    return stored


def _extras(params: Destination, keyboard: Json | None) -> Json:
    extras: Json = {}
    if params.protect_content:
        extras["has_protected_content"] = True
    if params.message_effect_id:
        extras["effect_id"] = params.message_effect_id
    if keyboard and "inline_keyboard" in keyboard:
        extras["reply_markup"] = keyboard
    return extras


def _keep_keyboard(chat: ChatState, stored: StoredMessage, keyboard: Json | None) -> None:
    """Let a keyboard that is not inline replace the one shown in the chat."""
    if not keyboard or "inline_keyboard" in keyboard:
        return
    stored.has_reply_keyboard = True
    chat.reply_keyboard = None if "remove_keyboard" in keyboard else keyboard
