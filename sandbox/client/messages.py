"""What people do with messages: send, forward, edit, delete, pin, react."""

from sandbox.client.session import AccountSession, find_shown_message
from sandbox.errors import PersonError
from sandbox.limits import CAPTIONED_KINDS, MAX_CAPTION_LENGTH, MAX_TEXT_LENGTH
from sandbox.markup import parse_typed_text
from sandbox.types import Json
from sandbox.world.chats import ChatState, StoredMessage
from sandbox.world.delivery import (
    deliver_to_bot,
    post_message,
    post_service_message,
    remove_message,
    replace_message,
    without_reply,
)
from sandbox.world.forwarding import forwarded_content
from sandbox.world.quotes import make_quote
from sandbox.world.world import GENERAL_TOPIC_ID

EDITABLE_SECONDS = 48 * 60 * 60


def send_text(
    session: AccountSession,
    chat: ChatState,
    text: str,
    thread: int = 0,
    reply_to_message_id: int | None = None,
    quote: str | None = None,
) -> Json:
    """Send a text, in pieces of the length that Telegram allows, and return the last one."""
    pieces = [parse_typed_text(piece) for piece in _split(text)]
    pieces = [(shown, entities) for shown, entities in pieces if shown]
    if not pieces:
        raise PersonError(400, "empty_text", "There is nothing in the text.")
    reply_to = (
        None if reply_to_message_id is None else find_shown_message(chat, reply_to_message_id)
    )
    quoted = _quote_field(reply_to, quote)
    for shown, entities in pieces:
        content: Json = {"text": shown, **quoted}
        if entities:
            content["entities"] = entities
        message = send_content(session, chat, content, thread, reply_to)
        reply_to, quoted = None, {}
    return message


def _quote_field(reply_to: StoredMessage | None, quote: str | None) -> Json:
    if quote is None:
        return {}
    found = make_quote(reply_to.message, quote) if reply_to else None
    if found is None:
        raise PersonError(400, "not_quoted", "The message replied to does not say that.")
    return {"quote": found}


def _split(text: str) -> list[str]:
    """Split a text as clients do: at the end of a line or a word, if there is one."""
    pieces = []
    while len(text) > MAX_TEXT_LENGTH:
        cut = max(text.rfind("\n", 1, MAX_TEXT_LENGTH), text.rfind(" ", 1, MAX_TEXT_LENGTH))
        cut = cut if cut > 0 else MAX_TEXT_LENGTH
        pieces.append(text[:cut])
        text = text[cut:]
    return [*pieces, text]


def send_content(
    session: AccountSession,
    chat: ChatState,
    content: Json,
    thread: int = 0,
    reply_to: StoredMessage | None = None,
    *,
    is_service: bool = False,
) -> Json:
    """Put a person's message into a chat, and let the bot have it."""
    session.check_can_write(chat)
    thread = thread or (reply_to.topic_id if reply_to else 0)
    if chat.is_forum or thread:
        _check_topic(session, chat, thread or GENERAL_TOPIC_ID)
    world = session.world
    stored = post_message(
        world,
        chat,
        session.user,
        content,
        thread=thread,
        reply_to=reply_to,
        is_service=is_service,
    )
    stored.is_forward = "forward_origin" in content
    if chat.is_private:
        session.account.has_started = True
    if chat.reply_keyboard and chat.reply_keyboard.get("one_time_keyboard"):
        chat.reply_keyboard = None
    deliver_to_bot(world, chat, stored)
    return stored.message


def _check_topic(session: AccountSession, chat: ChatState, thread: int) -> None:
    topic = session.find_topic(chat, thread)
    if topic.is_closed and not chat.can_manage_topic(topic, session.id):
        raise PersonError(409, "topic_closed", f"Topic {thread} is closed.")


def forward_shown_message(
    session: AccountSession, message_id: int, source: ChatState, target: ChatState, thread: int = 0
) -> Json:
    """Forward a message, unless it is protected."""
    stored = find_shown_message(source, message_id)
    if stored.message.get("has_protected_content"):
        raise PersonError(403, "protected_content", "This message may not be forwarded.")
    if stored.is_service:
        raise PersonError(400, "service_message", "A service message cannot be forwarded.")
    content = forwarded_content(stored, session.world.bot.username)
    copy = send_content(session, target, content, thread)
    session.world.invoices.add_copy(stored.message, copy)
    return copy


def edit_message(session: AccountSession, chat: ChatState, message_id: int, text: str) -> Json:
    """Change the text or caption of a message of one's own; an empty caption goes."""
    stored = find_shown_message(chat, message_id)
    field = _find_editable_field(session, stored)
    now = session.world.timestamp()
    if now - stored.message["date"] >= EDITABLE_SECONDS:
        raise PersonError(409, "too_old", "The message is older than 48 hours.")
    shown, entities = parse_typed_text(text)
    limit = MAX_TEXT_LENGTH if field == "text" else MAX_CAPTION_LENGTH
    if len(shown) > limit or (field == "text" and not shown):
        raise PersonError(400, "bad_text", "The text is empty or too long.")
    if shown == stored.message.get(field, ""):
        raise PersonError(400, "not_modified", "The text is the same as before.")
    entity_field = "entities" if field == "text" else "caption_entities"
    message = {
        key: value for key, value in stored.message.items() if key not in (field, entity_field)
    }
    message["edit_date"] = now
    if shown:
        message[field] = shown
    if entities:
        message[entity_field] = entities
    replace_message(session.world, chat, stored, message)
    deliver_to_bot(session.world, chat, stored, "edited_message")
    return message


def _find_editable_field(session: AccountSession, stored: StoredMessage) -> str:
    """Return ``text``, or ``caption`` where there is or may be one.

    :raises PersonError: where the message is of another, or has neither.
    """
    message = stored.message
    has_words = "text" in message or any(kind in message for kind in CAPTIONED_KINDS)
    is_own = stored.sender_id == session.id and not stored.is_forward
    if not is_own or not has_words or "via_bot" in message:
        raise PersonError(403, "not_editable", "Only own texts can be edited.")
    return "text" if "text" in message else "caption"


def load_link_preview(session: AccountSession, chat: ChatState, message_id: int) -> None:
    """Let Telegram load the preview of a link, which bots are told as an edit of nothing."""
    stored = find_shown_message(chat, message_id)
    deliver_to_bot(session.world, chat, stored, "edited_message")


def delete_shown_message(session: AccountSession, chat: ChatState, message_id: int) -> None:
    """Delete a message: in one's own chat any, in a group one's own, or as an administrator."""
    stored = find_shown_message(chat, message_id)
    may = chat.is_private or chat.find_member(session.id).has_right("can_delete_messages")
    if not may and stored.sender_id != session.id:
        raise PersonError(403, "not_deletable", "Only administrators delete others' messages.")
    if "forum_topic_created" in stored.message:
        raise PersonError(403, "not_deletable", "A topic's first message goes with the topic.")
    remove_message(session.world, chat, message_id)


def pin_shown_message(session: AccountSession, chat: ChatState, message_id: int) -> None:
    """Pin a message: in private by anybody, in a group by administrators."""
    stored = _find_pinnable(session, chat, message_id)
    if stored.id in chat.pinned_ids:
        raise PersonError(400, "not_modified", "The message is pinned.")
    chat.pinned_ids.append(stored.id)
    notice = {"pinned_message": without_reply(stored.message)}
    post_service_message(session.world, chat, session.user, notice, thread=stored.topic_id)


def unpin_shown_message(session: AccountSession, chat: ChatState, message_id: int) -> None:
    """Unpin a message."""
    stored = _find_pinnable(session, chat, message_id)
    if stored.id not in chat.pinned_ids:
        raise PersonError(400, "not_modified", "The message is not pinned.")
    chat.pinned_ids.remove(stored.id)
    session.world.changes.record("pinned", chat)


def _find_pinnable(session: AccountSession, chat: ChatState, message_id: int) -> StoredMessage:
    session.check_can_write(chat)
    stored = find_shown_message(chat, message_id)
    if not chat.is_private:
        session.check_right(chat, "can_pin_messages")
    if stored.is_service:
        raise PersonError(400, "service_message", "A service message cannot be pinned.")
    return stored


def set_reaction(
    session: AccountSession, chat: ChatState, message_id: int, emoji: str | None
) -> None:
    """React to a message; the bot is told in a group that it administers, never in private."""
    stored = find_shown_message(chat, message_id)
    if chat.find_member(session.id).is_anonymous:
        raise PersonError(403, "anonymous", "Anonymous administrators cannot react.")
    old = stored.reactions.get(session.id, [])
    new = [{"type": "emoji", "emoji": emoji}] if emoji else []
    if old == new:
        return
    stored.reactions[session.id] = new
    world = session.world
    world.changes.record("reaction", chat)
    if not chat.find_member(world.bot.id).is_admin:
        return
    world.send_update(
        "message_reaction",
        {
            "chat": chat.json,
            "message_id": message_id,
            "user": session.user,
            "date": world.timestamp(),
            "old_reaction": old,
            "new_reaction": new,
        },
    )
