"""Recognition of chats that the bot can no longer write to."""

from telegram.error import BadRequest, Forbidden, TelegramError

_WORDS = (
    "chat not found",
    "no rights to send",
    "not enough rights to send",
    "chat_write_forbidden",
    "topic_closed",
)
"""What Telegram says in a 400; blocked and kicked bots get a 403."""


def is_chat_closed(error: TelegramError) -> bool:
    """Whether the bot was blocked, removed or muted, or the chat is gone."""
    if isinstance(error, Forbidden):
        return True
    return isinstance(error, BadRequest) and any(words in error.message.lower() for words in _WORDS)
