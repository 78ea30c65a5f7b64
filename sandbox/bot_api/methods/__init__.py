"""The methods of the Bot API, one file a subject."""

from sandbox.bot_api.method_registry import METHODS
from sandbox.bot_api.methods import (
    chats,
    edits,
    files,
    forum,
    forwards,
    messages,
    payments,
    profile,
    queries,
    updates,
)

__all__ = [
    "METHODS",
    "chats",
    "edits",
    "files",
    "forum",
    "forwards",
    "messages",
    "payments",
    "profile",
    "queries",
    "updates",
]
