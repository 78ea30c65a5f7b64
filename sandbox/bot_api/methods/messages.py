"""Methods that send texts, delete, pin and react."""

from sandbox.bot_api.method_registry import api_method
from sandbox.bot_api.methods.sending import send_to_chat
from sandbox.bot_api.params.message_params import (
    DeleteMessages,
    MessageParams,
    PinChatMessage,
    SendChatAction,
    SendMessage,
    SetMessageReaction,
    UnpinChatMessage,
)
from sandbox.bot_api.params.objects import MessageEntity
from sandbox.bot_api.target_lookup import (
    find_chat,
    find_message,
    find_writable_chat,
    has_bot_right,
    refuse_unsupported,
)
from sandbox.errors import bad_request
from sandbox.limits import MAX_CAPTION_LENGTH, MAX_TEXT_LENGTH
from sandbox.markup import parse_formatted_text
from sandbox.types import Json
from sandbox.world.chats import ChatState, StoredMessage
from sandbox.world.delivery import post_service_message, remove_message, without_reply
from sandbox.world.world import World

DELETABLE_SECONDS = 48 * 60 * 60
TYPING_SECONDS = 5.0
_ACTIONS = frozenset(
    {
        "cancel",
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)
_EMOJI = (
    "❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 "
    "🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 "
    "😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 "
    "🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡"
)
_REACTIONS = frozenset(_EMOJI.split())
"""The emoji a bot may react with."""


@api_method("sendMessage", SendMessage)
def send_message(world: World, params: SendMessage) -> Json:
    """Send a text."""
    if not params.text:
        raise bad_request("Message text is empty")
    text, entities = parse_formatted_text(params.text, params.parse_mode, params.entities)
    if not text:
        raise bad_request("Text must be non-empty")
    if len(text) > MAX_TEXT_LENGTH:
        raise bad_request("Message is too long")
    content: Json = {"text": text}
    if entities:
        content["entities"] = entities
    if params.link_preview_options:
        content["link_preview_options"] = params.link_preview_options
    return send_to_chat(world, params, content).message


def parse_caption(caption: str, parse_mode: str, entities: list[MessageEntity] | None) -> Json:
    """Return the caption fields of a message; none for an empty caption.

    :raises ApiError: where it is too long or cannot be parsed.
    """
    text, found = parse_formatted_text(caption, parse_mode, entities)
    if len(text) > MAX_CAPTION_LENGTH:
        raise bad_request("Message caption is too long")
    if not text:
        return {}
    return {"caption": text, "caption_entities": found} if found else {"caption": text}


@api_method("sendChatAction", SendChatAction)
def send_chat_action(world: World, params: SendChatAction) -> bool:
    """Show that the bot is typing or the like."""
    if params.action.lower() not in _ACTIONS:
        raise bad_request("Wrong parameter action in request")
    refuse_unsupported(business_connection=params.business_connection_id)
    chat = find_writable_chat(world, params.chat_id)
    seconds = 0.0 if params.action == "cancel" else TYPING_SECONDS
    chat.typing_until = world.now().timestamp() + seconds
    world.changes.record("typing", chat)
    return True


@api_method("deleteMessage", MessageParams)
def delete_message(world: World, params: MessageParams) -> bool:
    """Delete one message for everybody."""
    if not params.chat_id:
        raise bad_request("Chat identifier is not specified")
    if not params.message_id:
        raise bad_request("Message identifier is not specified")
    chat = find_chat(world, params.chat_id)
    stored = find_message(chat, params.message_id, "message to delete")
    _check_deletable(world, chat, stored)
    remove_message(world, chat, stored.id)
    return True


@api_method("deleteMessages", DeleteMessages)
def delete_messages(world: World, params: DeleteMessages) -> bool:
    """Delete several messages; ids that are not there are ignored."""
    if not params.message_ids:
        raise bad_request("Message identifiers are not specified")
    if len(params.message_ids) > 100:
        raise bad_request("Too many message identifiers specified")
    if min(params.message_ids) <= 0:
        raise bad_request("Invalid message identifier specified")
    chat = find_chat(world, params.chat_id)
    there = [chat.messages[i] for i in dict.fromkeys(params.message_ids) if i in chat.messages]
    for stored in there:
        _check_deletable(world, chat, stored)
    for stored in there:
        remove_message(world, chat, stored.id)
    return True


def _check_deletable(world: World, chat: ChatState, stored: StoredMessage) -> None:
    age = world.timestamp() - stored.message["date"]
    if chat.is_private:
        fresh_dice = "dice" in stored.message and age < DELETABLE_SECONDS / 2
        if age > DELETABLE_SECONDS or fresh_dice:
            raise bad_request("Message can't be deleted for everyone")
        return
    is_own = stored.is_outgoing and not stored.is_service
    may = is_own or has_bot_right(world, chat, "can_delete_messages")
    begins = stored.id == 1 or "forum_topic_created" in stored.message
    if age >= DELETABLE_SECONDS or not may or begins:
        raise bad_request("Message can't be deleted")


@api_method("pinChatMessage", PinChatMessage)
def pin_chat_message(world: World, params: PinChatMessage) -> bool:
    """Pin a message."""
    refuse_unsupported(business_connection=params.business_connection_id)
    chat = find_writable_chat(world, params.chat_id)
    stored = find_message(chat, params.message_id, "message to pin")
    if not chat.is_private and not has_bot_right(world, chat, "can_pin_messages"):
        raise bad_request("not enough rights to manage pinned messages in the chat")
    if stored.id not in chat.pinned_ids:
        world.count_change(chat)
        chat.pinned_ids.append(stored.id)
        notice = {"pinned_message": without_reply(stored.message)}
        post_service_message(world, chat, world.bot.user, notice, thread=stored.topic_id)
    return True


@api_method("unpinChatMessage", UnpinChatMessage)
def unpin_chat_message(world: World, params: UnpinChatMessage) -> bool:
    """Unpin a message, or the one pinned last."""
    refuse_unsupported(business_connection=params.business_connection_id)
    chat = find_writable_chat(world, params.chat_id)
    if not chat.is_private and not has_bot_right(world, chat, "can_pin_messages"):
        raise bad_request("not enough rights to manage pinned messages in the chat")
    if params.message_id:
        find_message(chat, params.message_id, "message to unpin")
    elif not chat.pinned_ids:
        raise bad_request("Message to unpin not found")
    message_id = params.message_id or chat.pinned_ids[-1]
    if message_id in chat.pinned_ids:
        chat.pinned_ids.remove(message_id)
        world.changes.record("pinned", chat)
    return True


@api_method("setMessageReaction", SetMessageReaction)
def set_message_reaction(world: World, params: SetMessageReaction) -> bool:
    """React to a message, or take the reaction back."""
    chat = find_chat(world, params.chat_id)
    stored = find_message(chat, params.message_id, "message to react")
    reactions = [dict(reaction) for reaction in params.reaction or ()]
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    if any(reaction.get("emoji") not in _REACTIONS for reaction in reactions):
        raise bad_request("REACTION_INVALID")
    world.count_change(chat)
    stored.reactions[world.bot.id] = reactions
    world.changes.record("reaction", chat)
    return True
