"""Actors in the audit: a person in a chat, somebody at the counter, or the system itself."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Actor:
    """Whoever acts, under the name in the audit.

    :ivar chat: the chat they act in, which is not notified.
    """

    name: str
    chat: int | None = None

    @classmethod
    def in_chat(cls, chat_id: int) -> Self:
        """Return a person in a chat."""
        return cls(f"chat {chat_id}", chat_id)

    @classmethod
    def at_counter(cls, name: str) -> Self:
        """Return a member of staff."""
        return cls(f"counter {name}"[:64])


SYSTEM = Actor("system")
