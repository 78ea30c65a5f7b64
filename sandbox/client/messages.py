"""What people do with messages: write, send things, forward, change, delete, react."""

from typing import TYPE_CHECKING

from sandbox.bot_api.methods.messages import MAX_TEXT, forwarded
from sandbox.bot_api.methods.payments import note_forward
from sandbox.errors import PersonError
from sandbox.markup import typed_text
from sandbox.types import Json
from sandbox.world.chats import Chat, Stored
from sandbox.world.delivery import deliver, post, remove, replace

if TYPE_CHECKING:
    from sandbox.client.telegram_client import Person

EDITABLE_SECONDS = 48 * 60 * 60


def send_text(
    person: "Person", chat: Chat, text: str, thread: int = 0, reply_to: int | None = None
) -> Json:
    """Send a text, in pieces of what Telegram allows; give the last one."""
    pieces = [typed_text(piece) for piece in _pieces(text)]
    pieces = [(said, entities) for said, entities in pieces if said]
    if not pieces:
        raise PersonError(400, "empty_text", "There is nothing in the text.")
    replied = _replied(chat, reply_to)
    for said, entities in pieces:
        content: Json = {"text": said}
        if entities:
            content["entities"] = entities
        message = send_content(person, chat, content, thread, replied)
        replied = None
    return message


def _pieces(text: str) -> list[str]:
    """Cut a text as clients do: at most so long, at a line's or word's end where there is one."""
    pieces = []
    while len(text) > MAX_TEXT:
        cut = max(text.rfind("\n", 1, MAX_TEXT), text.rfind(" ", 1, MAX_TEXT))
        cut = cut if cut > 0 else MAX_TEXT
        pieces.append(text[:cut])
        text = text[cut:]
    return [*pieces, text]


def _replied(chat: Chat, message_id: int | None) -> Stored | None:
    if message_id is None:
        return None
    return there(chat, message_id)


def there(chat: Chat, message_id: int) -> Stored:
    """Give a message of a chat.

    :raises PersonError: where it is not there.
    """
    stored = chat.messages.get(message_id)
    if stored is None:
        raise PersonError(404, "message_not_found", f"There is no message {message_id}.")
    return stored


def send_content(
    person: "Person", chat: Chat, content: Json, thread: int = 0, reply_to: Stored | None = None
) -> Json:
    """Put a person's message into a chat, and let the bot have it."""
    check_can_write(person, chat)
    if thread:
        topic = chat.topics.get(thread)
        if topic is None:
            raise PersonError(404, "topic_not_found", f"There is no topic {thread}.")
        if topic.closed and chat.members[person.id] not in ("creator", "administrator"):
            raise PersonError(409, "topic_closed", f"Topic {thread} is closed.")
    elif reply_to is not None:
        thread = reply_to.message.get("message_thread_id", 0)
    stored = post(person.engine, chat, person.user, content, thread=thread, reply_to=reply_to)
    stored.is_forward = "forward_origin" in content
    if chat.private:
        person.has_started = True
    if chat.keyboard and chat.keyboard.get("one_time_keyboard"):
        chat.keyboard = None
    deliver(person.engine, chat, stored)
    return stored.message


def check_can_write(person: "Person", chat: Chat) -> None:
    """Refuse to write to a bot one has blocked.

    :raises PersonError: naming the way out.
    """
    if chat.private and person.has_blocked:
        raise PersonError(409, "bot_blocked", "Unblock the bot first.")


def forward(person: "Person", message_id: int, source: Chat, target: Chat, thread: int = 0) -> Json:
    """Forward a message, unless it is protected."""
    stored = there(source, message_id)
    if stored.message.get("has_protected_content"):
        raise PersonError(403, "protected_content", "This message may not be forwarded.")
    if stored.service:
        raise PersonError(400, "service_message", "A service message cannot be forwarded.")
    copy = send_content(person, target, forwarded(person.engine, stored), thread)
    note_forward(person.engine, stored.message, copy)
    return copy


def edit(person: "Person", chat: Chat, message_id: int, text: str) -> Json:
    """Change the text or caption of a message of one's own."""
    stored = there(chat, message_id)
    field = "text" if "text" in stored.message else "caption"
    own = stored.sender_id == person.id and not stored.is_forward and field in stored.message
    if not own or "via_bot" in stored.message:
        raise PersonError(403, "not_editable", "Only own texts can be edited.")
    if person.engine.timestamp() - stored.message["date"] >= EDITABLE_SECONDS:
        raise PersonError(409, "too_old", "The message is older than 48 hours.")
    said, entities = typed_text(text)
    if not said or len(said) > MAX_TEXT:
        raise PersonError(400, "bad_text", "The text is empty or too long.")
    if said == stored.message[field]:
        raise PersonError(400, "not_modified", "The text is the same as before.")
    names = "entities" if field == "text" else "caption_entities"
    message = {key: value for key, value in stored.message.items() if key != names}
    message[field] = said
    message["edit_date"] = person.engine.timestamp()
    if entities:
        message[names] = entities
    replace(person.engine, chat, stored, message)
    deliver(person.engine, chat, stored, "edited_message")
    return message


def delete(person: "Person", chat: Chat, message_id: int) -> None:
    """Delete a message: in one's own chat any, in a group one's own."""
    stored = there(chat, message_id)
    if not chat.private and stored.sender_id != person.id:
        raise PersonError(403, "not_deletable", "Only own messages can be deleted in a group.")
    remove(person.engine, chat, message_id)


def react(person: "Person", chat: Chat, message_id: int, emoji: str | None) -> None:
    """React to a message; the bot hears of it in a group it administers, or in private."""
    stored = there(chat, message_id)
    old = stored.reactions.get(person.id, [])
    new = [{"type": "emoji", "emoji": emoji}] if emoji else []
    if old == new:
        return
    stored.reactions[person.id] = new
    engine = person.engine
    engine.changed("reaction", chat)
    if not chat.private and chat.members.get(engine.bot.id) != "administrator":
        return
    engine.emit(
        "message_reaction",
        {
            "chat": chat.json,
            "message_id": message_id,
            "user": person.user,
            "date": engine.timestamp(),
            "old_reaction": old,
            "new_reaction": new,
        },
    )


def tell_membership(person: "Person", *, blocked: bool) -> None:
    """Tell the bot that it was blocked or unblocked."""
    engine = person.engine
    chat = engine.chats[person.id]
    statuses = ("member", "kicked") if blocked else ("kicked", "member")
    old, new = (_bot_member(engine.bot.user, status) for status in statuses)
    engine.emit(
        "my_chat_member",
        {
            "chat": chat.json,
            "from": person.user,
            "date": engine.timestamp(),
            "old_chat_member": old,
            "new_chat_member": new,
        },
    )
    engine.changed("people", chat)


def _bot_member(user: Json, status: str) -> Json:
    shape: Json = {"user": user, "status": status}
    return {**shape, "until_date": 0} if status == "kicked" else shape
