"""What every method that sends something has in common."""

from typing import TYPE_CHECKING

from sandbox.bot_api.access import check_thread, refuse_absent, replied_message, writable_chat
from sandbox.bot_api.keyboards import check_markup
from sandbox.bot_api.params.message_params import Destination
from sandbox.types import Json
from sandbox.world.chats import Chat, Stored
from sandbox.world.delivery import post

if TYPE_CHECKING:
    from sandbox.engine import Engine


def send(
    engine: "Engine",
    p: Destination,
    content: Json,
    *,
    markup: Json | None = None,
    invoice: bool = False,
) -> Stored:
    """Send `content` to where `p` says.

    :param markup: the keyboard where it is not the one of `p`.
    :raises ApiError: where Telegram refuses the place, the reply or the keyboard.
    """
    refuse_absent(**p.absent())
    chat = writable_chat(engine, p.chat_id)
    thread = check_thread(engine, chat, p.message_thread_id)
    reply = p.reply_parameters
    reply_to = replied_message(engine, chat, dict(reply) if reply else None)
    wanted = markup or (dict(p.reply_markup) if p.reply_markup else None)
    keyboard = check_markup(wanted, private=chat.private, invoice=invoice)
    if engine.flood:
        engine.flood.check(chat.id)
    extras = _extras(p, keyboard)
    stored = post(
        engine, chat, engine.bot.user, {**content, **extras}, thread=thread, reply_to=reply_to
    )
    _keep_keyboard(chat, stored, keyboard)
    return stored


def _extras(p: Destination, keyboard: Json | None) -> Json:
    extras: Json = {}
    if p.protect_content:
        extras["has_protected_content"] = True
    if p.message_effect_id:
        extras["effect_id"] = p.message_effect_id
    if keyboard and "inline_keyboard" in keyboard:
        extras["reply_markup"] = keyboard
    return extras


def _keep_keyboard(chat: Chat, stored: Stored, keyboard: Json | None) -> None:
    """Let a keyboard that is not inline replace the one shown in the chat."""
    if not keyboard or "inline_keyboard" in keyboard:
        return
    stored.has_keyboard = True
    chat.keyboard = None if "remove_keyboard" in keyboard else keyboard
