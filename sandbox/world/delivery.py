"""Puts messages into chats, and decides which of them the bot gets to see."""

from sandbox.types import Json
from sandbox.world.chats import ChatState, StoredMessage
from sandbox.world.world import World

ANONYMOUS_ADMIN: Json = {
    "id": 1087968824,
    "is_bot": True,
    "first_name": "Group",
    "username": "GroupAnonymousBot",
}
"""The User object that stands in for administrators who write in the name of the group."""


def post_message(
    world: World,
    chat: ChatState,
    sender: Json,
    content: Json,
    *,
    thread: int = 0,
    reply_to: StoredMessage | None = None,
    is_service: bool = False,
) -> StoredMessage:
    """Put a message into `chat`.

    A reply outside the topics has the ``message_thread_id`` of the message that its chain of
    replies began with, though that is no topic.

    :param sender: the User object of who sends it, shown or not.
    :param content: the fields that say what it is, such as ``text``.
    """
    message: Json = {
        "message_id": chat.allocate_message_id(),
        **_sender_fields(chat, sender),
        "chat": chat.json,
        "date": world.timestamp(),
    }
    if thread in chat.topics:
        message["message_thread_id"] = thread
        message["is_topic_message"] = True
        reply_to = reply_to or (None if is_service else chat.messages.get(thread))
    elif reply_to is not None and not chat.is_private:
        message["message_thread_id"] = reply_to.message.get("message_thread_id", reply_to.id)
    if reply_to is not None:
        message["reply_to_message"] = without_reply(reply_to.message)
    message.update(content)
    is_outgoing = sender["id"] == world.bot.id
    stored = StoredMessage(message, is_outgoing, sender["id"], is_service)
    chat.messages[stored.id] = stored
    if is_outgoing:
        chat.typing_until = 0.0
    world.changes.record("message", chat)
    return stored


def _sender_fields(chat: ChatState, sender: Json) -> Json:
    """Return how a message of `sender` is signed: an anonymous administrator's as the group's."""
    member = chat.find_member(sender["id"])
    if not member.is_anonymous:
        return {"from": sender}
    fields: Json = {"from": ANONYMOUS_ADMIN, "sender_chat": chat.json}
    if member.title:
        fields["author_signature"] = member.title
    return fields


def post_service_message(
    world: World,
    chat: ChatState,
    actor: Json,
    content: Json,
    *,
    thread: int = 0,
    reply_to: StoredMessage | None = None,
) -> StoredMessage:
    """Post a message that says what happened. The bot gets it, of its own doings too.

    :param actor: the User object of who did it.
    """
    stored = post_message(
        world, chat, actor, content, thread=thread, reply_to=reply_to, is_service=True
    )
    deliver_to_bot(world, chat, stored)
    return stored


def without_reply(message: Json) -> Json:
    """Return a message as it appears inside another one: replies do not nest."""
    if "reply_to_message" not in message:
        return message
    return {key: value for key, value in message.items() if key != "reply_to_message"}


def replace_message(world: World, chat: ChatState, stored: StoredMessage, message: Json) -> None:
    """Put the edited `message` in place of the old one, which keeps its state for its holders."""
    stored.message = message
    world.changes.record("edited", chat)


def remove_message(world: World, chat: ChatState, message_id: int) -> None:
    """Delete a message for everybody."""
    stored = chat.messages.pop(message_id)
    chat.deleted_ids.append(message_id)
    if message_id in chat.pinned_ids:
        chat.pinned_ids.remove(message_id)
    if stored.inline_id:
        world.inline_messages.pop(stored.inline_id, None)
    world.changes.record("deleted", chat)


def deliver_to_bot(
    world: World, chat: ChatState, stored: StoredMessage, kind: str = "message"
) -> None:
    """Send a person's message to the bot if the bot may see it."""
    if is_visible_to_bot(world, chat, stored):
        world.send_update(kind, stored.message)


def is_visible_to_bot(world: World, chat: ChatState, stored: StoredMessage) -> bool:
    """Return whether the bot gets this message: in privacy mode only what is meant for it."""
    if chat.is_private:
        return not world.accounts[chat.id].has_blocked
    member = chat.find_member(world.bot.id)
    if not member.is_inside:
        return False
    if member.is_admin or world.bot.reads_all_group_messages or stored.is_service:
        return True
    return _is_meant_for_bot(world, stored.message)


def _is_meant_for_bot(world: World, message: Json) -> bool:
    replied = message.get("reply_to_message", {})
    by_bot = replied.get("from", {}).get("id") == world.bot.id
    if by_bot and "forum_topic_created" not in replied:
        return True
    if message.get("via_bot", {}).get("id") == world.bot.id:
        return True
    text = message.get("text") or message.get("caption") or ""
    entities = message.get("entities") or message.get("caption_entities") or []
    return any(_addresses_bot(world.bot.username, text, entity) for entity in entities)


def _addresses_bot(username: str, text: str, entity: Json) -> bool:
    if entity["type"] not in ("bot_command", "mention"):
        return False
    units = text.encode("utf-16-le")
    start = entity["offset"] * 2
    word = units[start : start + entity["length"] * 2].decode("utf-16-le")
    command, _, name = word.partition("@")
    return name.lower() == username.lower() or (command != "" and name == "")
