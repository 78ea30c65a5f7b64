"""What a forward or a copy of a message says."""

from sandbox.types import Json
from sandbox.world.chats import StoredMessage
from sandbox.world.invoices import forwarded_invoice_keyboard

_ENVELOPE = frozenset(
    {
        "message_id",
        "from",
        "sender_chat",
        "author_signature",
        "chat",
        "date",
        "edit_date",
        "message_thread_id",
        "is_topic_message",
        "reply_to_message",
        "quote",
        "reply_markup",
        "has_protected_content",
        "via_bot",
        "forward_origin",
        "effect_id",
        "media_group_id",
    }
)
"""The fields that belong to one message and not to what it says."""


def forwarded_content(source: StoredMessage, bot_username: str) -> Json:
    """Return what a forward of `source` says, and where it is from."""
    message = source.message
    origin: Json = {"type": "user", "sender_user": message["from"], "date": message["date"]}
    if "sender_chat" in message:
        origin = {"type": "chat", "sender_chat": message["sender_chat"], "date": message["date"]}
        if "author_signature" in message:
            origin["author_signature"] = message["author_signature"]
    content = {"forward_origin": message.get("forward_origin", origin), **message_content(message)}
    if "invoice" in content:
        content["reply_markup"] = forwarded_invoice_keyboard(content["invoice"], bot_username)
    return content


def message_content(message: Json) -> Json:
    """Return what a message says, without what belongs to the place where it stands."""
    return {key: value for key, value in message.items() if key not in _ENVELOPE}
