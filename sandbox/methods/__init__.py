"""The methods of the Bot API, one file a subject."""

from sandbox.methods import (
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
from sandbox.methods.registry import METHODS

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
