"""Methods that send texts, forward, copy, delete, pin and react."""

from typing import TYPE_CHECKING

from sandbox.bot_api.access import (
    check_thread,
    find_chat,
    find_message,
    is_admin,
    refuse_absent,
    writable_chat,
)
from sandbox.bot_api.method_registry import method
from sandbox.bot_api.methods.payments import forwarded_button, note_forward
from sandbox.bot_api.methods.sending import send
from sandbox.bot_api.params.message_params import (
    CopyMessage,
    DeleteMessages,
    ForwardMessage,
    OneMessage,
    PinChatMessage,
    SendChatAction,
    SendMessage,
    SetMessageReaction,
    UnpinChatMessage,
)
from sandbox.bot_api.params.objects import MessageEntity
from sandbox.errors import bad_request
from sandbox.markup import format_text
from sandbox.types import Json
from sandbox.world.chats import Chat, Stored
from sandbox.world.delivery import post, remove

if TYPE_CHECKING:
    from sandbox.engine import Engine

MAX_TEXT = 4096
MAX_CAPTION = 1024
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
_ENVELOPE = frozenset(
    {
        "message_id",
        "from",
        "chat",
        "date",
        "edit_date",
        "message_thread_id",
        "is_topic_message",
        "reply_to_message",
        "reply_markup",
        "has_protected_content",
        "via_bot",
        "forward_origin",
        "effect_id",
    }
)
"""What belongs to one message and not to what it says."""


@method("sendMessage", SendMessage)
def send_message(engine: "Engine", p: SendMessage) -> Json:
    """Send a text."""
    if not p.text:
        raise bad_request("Message text is empty")
    text, entities = format_text(p.text, p.parse_mode, p.entities)
    if not text:
        raise bad_request("Text must be non-empty")
    if len(text) > MAX_TEXT:
        raise bad_request("Message is too long")
    content: Json = {"text": text}
    if entities:
        content["entities"] = entities
    if p.link_preview_options:
        content["link_preview_options"] = p.link_preview_options
    return send(engine, p, content).message


@method("forwardMessage", ForwardMessage)
def forward_message(engine: "Engine", p: ForwardMessage) -> Json:
    """Forward a message, unless it is protected."""
    refuse_absent(
        direct_messages_topic=p.direct_messages_topic_id,
        suggested_posts=p.suggested_post_parameters,
    )
    source = _source(engine, p.from_chat_id, p.message_id, "message to forward")
    if source.message.get("has_protected_content") or source.service:
        raise bad_request("The message can't be forwarded")
    chat = writable_chat(engine, p.chat_id)
    thread = check_thread(engine, chat, p.message_thread_id)
    content = forwarded(engine, source)
    if p.protect_content:
        content["has_protected_content"] = True
    stored = post(engine, chat, engine.bot.user, content, thread=thread)
    stored.is_forward = True
    note_forward(engine, source.message, stored.message)
    return stored.message


def forwarded(engine: "Engine", source: Stored) -> Json:
    """Give what a forward of `source` says."""
    message = source.message
    origin: Json = {"type": "user", "sender_user": message["from"], "date": message["date"]}
    content = {"forward_origin": message.get("forward_origin", origin), **said(message)}
    if "invoice" in content:
        content["reply_markup"] = forwarded_button(engine, content["invoice"])
    return content


def said(message: Json) -> Json:
    """Give what a message says, without what belongs to the place where it stands."""
    return {key: value for key, value in message.items() if key not in _ENVELOPE}


def _source(engine: "Engine", chat_id: str, message_id: int, what: str) -> Stored:
    if not chat_id:
        raise bad_request('Parameter "from_chat_id" is required')
    return find_message(find_chat(engine, chat_id), message_id, what)


@method("copyMessage", CopyMessage)
def copy_message(engine: "Engine", p: CopyMessage) -> Json:
    """Send what a message says anew, without a trace of where it is from."""
    source = _source(engine, p.from_chat_id, p.message_id, "message to copy")
    if source.service or "invoice" in source.message:
        raise bad_request("The message can't be copied")
    content = said(source.message)
    if p.caption is not None and "text" not in content:
        content.pop("caption", None)
        content.pop("caption_entities", None)
        content.update(captioned(p.caption, p.parse_mode, p.caption_entities))
    return {"message_id": send(engine, p, content).id}


def captioned(caption: str, parse_mode: str, entities: list[MessageEntity] | None) -> Json:
    """Give the caption as a message has it, or nothing.

    :raises ApiError: where it is too long or cannot be parsed.
    """
    text, found = format_text(caption, parse_mode, entities)
    if len(text) > MAX_CAPTION:
        raise bad_request("Message caption is too long")
    if not text:
        return {}
    return {"caption": text, "caption_entities": found} if found else {"caption": text}


@method("sendChatAction", SendChatAction)
def send_chat_action(engine: "Engine", p: SendChatAction) -> bool:
    """Show that the bot is typing or the like."""
    if p.action.lower() not in _ACTIONS:
        raise bad_request("Wrong parameter action in request")
    refuse_absent(business_connection=p.business_connection_id)
    chat = writable_chat(engine, p.chat_id)
    seconds = 0.0 if p.action == "cancel" else TYPING_SECONDS
    chat.typing_until = engine.now().timestamp() + seconds
    engine.changed("typing", chat)
    return True


@method("deleteMessage", OneMessage)
def delete_message(engine: "Engine", p: OneMessage) -> bool:
    """Delete one message for everybody."""
    if not p.chat_id:
        raise bad_request("Chat identifier is not specified")
    if not p.message_id:
        raise bad_request("Message identifier is not specified")
    chat = find_chat(engine, p.chat_id)
    stored = find_message(chat, p.message_id, "message to delete")
    _check_deletable(engine, chat, stored)
    remove(engine, chat, stored.id)
    return True


@method("deleteMessages", DeleteMessages)
def delete_messages(engine: "Engine", p: DeleteMessages) -> bool:
    """Delete several messages; those that are not there are passed over."""
    if not p.message_ids:
        raise bad_request("Message identifiers are not specified")
    if len(p.message_ids) > 100:
        raise bad_request("Too many message identifiers specified")
    if min(p.message_ids) <= 0:
        raise bad_request("Invalid message identifier specified")
    chat = find_chat(engine, p.chat_id)
    there = [chat.messages[i] for i in dict.fromkeys(p.message_ids) if i in chat.messages]
    for stored in there:
        _check_deletable(engine, chat, stored)
    for stored in there:
        remove(engine, chat, stored.id)
    return True


def _check_deletable(engine: "Engine", chat: Chat, stored: Stored) -> None:
    age = engine.timestamp() - stored.message["date"]
    if chat.private:
        fresh_dice = "dice" in stored.message and age < DELETABLE_SECONDS / 2
        if age > DELETABLE_SECONDS or fresh_dice:
            raise bad_request("Message can't be deleted for everyone")
        return
    may = is_admin(engine, chat) or (stored.outgoing and not stored.service)
    begins = stored.id == 1 or "forum_topic_created" in stored.message
    if age >= DELETABLE_SECONDS or not may or begins:
        raise bad_request("Message can't be deleted")


@method("pinChatMessage", PinChatMessage)
def pin_chat_message(engine: "Engine", p: PinChatMessage) -> bool:
    """Pin a message."""
    refuse_absent(business_connection=p.business_connection_id)
    chat = writable_chat(engine, p.chat_id)
    stored = find_message(chat, p.message_id, "message to pin")
    if not chat.private and not is_admin(engine, chat):
        raise bad_request("not enough rights to manage pinned messages in the chat")
    if stored.id not in chat.pinned:
        chat.pinned.append(stored.id)
        thread = stored.message.get("message_thread_id", 0)
        notice = {"pinned_message": stored.message}
        post(engine, chat, engine.bot.user, notice, thread=thread, service=True)
    return True


@method("unpinChatMessage", UnpinChatMessage)
def unpin_chat_message(engine: "Engine", p: UnpinChatMessage) -> bool:
    """Unpin a message, or the one pinned last."""
    refuse_absent(business_connection=p.business_connection_id)
    chat = writable_chat(engine, p.chat_id)
    if not chat.private and not is_admin(engine, chat):
        raise bad_request("not enough rights to manage pinned messages in the chat")
    if p.message_id:
        find_message(chat, p.message_id, "message to unpin")
    elif not chat.pinned:
        raise bad_request("Message to unpin not found")
    message_id = p.message_id or chat.pinned[-1]
    if message_id in chat.pinned:
        chat.pinned.remove(message_id)
        engine.changed("pinned", chat)
    return True


@method("setMessageReaction", SetMessageReaction)
def set_message_reaction(engine: "Engine", p: SetMessageReaction) -> bool:
    """React to a message, or take the reaction back."""
    chat = find_chat(engine, p.chat_id)
    stored = find_message(chat, p.message_id, "message to react")
    reactions = [dict(reaction) for reaction in p.reaction or ()]
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    if any(reaction.get("emoji") not in _REACTIONS for reaction in reactions):
        raise bad_request("REACTION_INVALID")
    stored.reactions[engine.bot.id] = reactions
    engine.changed("reaction", chat)
    return True
