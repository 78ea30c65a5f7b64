"""The methods of the Bot API, one file a subject."""

from bot.sandbox.methods import (
    chats,
    edits,
    files,
    forum,
    messages,
    payments,
    profile,
    queries,
    updates,
)
from bot.sandbox.methods.registry import METHODS

__all__ = [
    "METHODS",
    "chats",
    "edits",
    "files",
    "forum",
    "messages",
    "payments",
    "profile",
    "queries",
    "updates",
]
