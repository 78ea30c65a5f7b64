"""Puts messages into chats and decides what of it the bot gets to see."""

from typing import TYPE_CHECKING

from sandbox.types import Json
from sandbox.world.chats import Chat, Stored

if TYPE_CHECKING:
    from sandbox.engine import Engine


def post(
    engine: "Engine",
    chat: Chat,
    sender: Json,
    content: Json,
    *,
    thread: int = 0,
    reply_to: Stored | None = None,
    service: bool = False,
) -> Stored:
    """Put a message into `chat`."""
    message: Json = {
        "message_id": chat.next_id(),
        "from": sender,
        "chat": chat.json,
        "date": engine.timestamp(),
    }
    if thread in chat.topics:
        message["message_thread_id"] = thread
        message["is_topic_message"] = True
        reply_to = reply_to or (None if service else chat.messages.get(thread))
    if reply_to is not None:
        message["reply_to_message"] = without_reply(reply_to.message)
    message.update(content)
    outgoing = sender["id"] == engine.bot.id
    stored = Stored(message, outgoing=outgoing, sender_id=sender["id"], service=service)
    chat.messages[stored.id] = stored
    if outgoing:
        chat.typing_until = 0.0
    engine.changed("message", chat)
    return stored


def without_reply(message: Json) -> Json:
    """Give a message as it appears inside another one: replies do not nest."""
    if "reply_to_message" not in message:
        return message
    return {key: value for key, value in message.items() if key != "reply_to_message"}


def replace(engine: "Engine", chat: Chat, stored: Stored, message: Json) -> None:
    """Let a message stand changed; who holds the old one keeps it as it was."""
    stored.message = message
    engine.changed("edited", chat)


def remove(engine: "Engine", chat: Chat, message_id: int) -> None:
    """Delete a message."""
    stored = chat.messages.pop(message_id)
    chat.deleted.append(message_id)
    if message_id in chat.pinned:
        chat.pinned.remove(message_id)
    if stored.inline_id:
        engine.inline_messages.pop(stored.inline_id, None)
    engine.changed("deleted", chat)


def deliver(engine: "Engine", chat: Chat, stored: Stored, kind: str = "message") -> None:
    """Send a person's message to the bot where it is entitled to it."""
    if sees(engine, chat, stored):
        engine.emit(kind, stored.message)


def sees(engine: "Engine", chat: Chat, stored: Stored) -> bool:
    """Say whether the bot gets this message: in privacy mode only what is meant for it."""
    if chat.private:
        return not engine.people[chat.id].has_blocked
    status = chat.members.get(engine.bot.id, "left")
    if status in ("left", "kicked"):
        return False
    if status == "administrator" or engine.bot.reads_groups or stored.service:
        return True
    return _meant_for(engine, stored.message)


def _meant_for(engine: "Engine", message: Json) -> bool:
    replied = message.get("reply_to_message", {})
    by_bot = replied.get("from", {}).get("id") == engine.bot.id
    if by_bot and "forum_topic_created" not in replied:
        return True
    if message.get("via_bot", {}).get("id") == engine.bot.id:
        return True
    text = message.get("text") or message.get("caption") or ""
    entities = message.get("entities") or message.get("caption_entities") or []
    return any(_addresses(engine.bot.username, text, entity) for entity in entities)


def _addresses(username: str, text: str, entity: Json) -> bool:
    if entity["type"] not in ("bot_command", "mention"):
        return False
    units = text.encode("utf-16-le")
    start = entity["offset"] * 2
    word = units[start : start + entity["length"] * 2].decode("utf-16-le")
    command, _, name = word.partition("@")
    return name.lower() == username.lower() or (command != "" and name == "")
