"""Chats and the messages in them."""

from dataclasses import dataclass, field

from sandbox.types import Json

FIRST_GROUP = -1002000000001


@dataclass(slots=True)
class Stored:
    """A message and what Telegram knows of it beyond what it shows."""

    message: Json
    outgoing: bool
    """Sent by the bot."""
    sender_id: int
    service: bool = False
    is_forward: bool = False
    inline_id: str | None = None
    has_keyboard: bool = False
    """Carries a keyboard that is not inline, which makes it uneditable."""
    reactions: dict[int, list[Json]] = field(default_factory=dict)
    """Who reacted with what."""

    @property
    def id(self) -> int:
        """Give its id."""
        return int(self.message["message_id"])


@dataclass(slots=True)
class Topic:
    """A topic of a forum; its id is that of the message that made it."""

    id: int
    name: str
    icon_color: int
    icon_custom_emoji_id: str = ""
    closed: bool = False

    def as_json(self) -> Json:
        """Give the ForumTopic."""
        topic: Json = {
            "message_thread_id": self.id,
            "name": self.name,
            "icon_color": self.icon_color,
        }
        if self.icon_custom_emoji_id:
            topic["icon_custom_emoji_id"] = self.icon_custom_emoji_id
        return topic


@dataclass(slots=True)
class Chat:
    """A chat: its messages, and what is shown around them."""

    id: int
    json: Json
    """The Chat object that goes into messages."""
    messages: dict[int, Stored] = field(default_factory=dict)
    deleted: list[int] = field(default_factory=list)
    pinned: list[int] = field(default_factory=list)
    last_id: int = 0
    version: int = 0
    typing_until: float = 0.0
    keyboard: Json | None = None
    """The reply keyboard that replaces the letters, if any."""
    members: dict[int, str] = field(default_factory=dict)
    """The status of everybody in a group, the bot included."""
    topics: dict[int, Topic] = field(default_factory=dict)
    is_forum: bool = False

    @property
    def private(self) -> bool:
        """Say whether it is the chat of one person with the bot."""
        return self.id > 0

    def next_id(self) -> int:
        """Give the id of the next message."""
        self.last_id += 1
        return self.last_id

    def ordered(self) -> list[Json]:
        """Give the messages as they stand now, oldest first."""
        return [stored.message for stored in self.messages.values()]
