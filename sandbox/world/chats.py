"""Chats, the messages in them and the topics of forums."""

from dataclasses import dataclass, field

from sandbox.types import Json


@dataclass(slots=True)
class StoredMessage:
    """A message, and what Telegram knows of it beyond what it shows."""

    message: Json
    is_outgoing: bool
    """Sent by the bot."""
    sender_id: int
    is_service: bool = False
    is_forward: bool = False
    inline_id: str | None = None
    has_reply_keyboard: bool = False
    """Carries a keyboard that is not inline, which makes it uneditable."""
    reactions: dict[int, list[Json]] = field(default_factory=dict)
    """By the id of the user."""

    @property
    def id(self) -> int:
        """Its id in the chat."""
        return int(self.message["message_id"])


@dataclass(slots=True)
class ForumTopic:
    """A topic of a forum; its id is that of the message that created it."""

    id: int
    name: str
    icon_color: int
    icon_custom_emoji_id: str = ""
    is_closed: bool = False

    def as_json(self) -> Json:
        """Return the ForumTopic object."""
        topic: Json = {
            "message_thread_id": self.id,
            "name": self.name,
            "icon_color": self.icon_color,
        }
        if self.icon_custom_emoji_id:
            topic["icon_custom_emoji_id"] = self.icon_custom_emoji_id
        return topic


@dataclass(slots=True)
class ChatState:
    """A chat: its messages, and what is shown around them."""

    id: int
    json: Json
    """The Chat object that goes into messages."""
    messages: dict[int, StoredMessage] = field(default_factory=dict)
    deleted_ids: list[int] = field(default_factory=list)
    pinned_ids: list[int] = field(default_factory=list)
    last_message_id: int = 0
    version: int = 0
    """The number of the last change in it."""
    typing_until: float = 0.0
    reply_keyboard: Json | None = None
    """The keyboard that replaces the letters, if any."""
    members: dict[int, str] = field(default_factory=dict)
    """The status of everybody in a group, the bot included."""
    topics: dict[int, ForumTopic] = field(default_factory=dict)
    is_forum: bool = False

    @property
    def is_private(self) -> bool:
        """Whether it is the chat of one person with the bot."""
        return self.id > 0

    def allocate_message_id(self) -> int:
        """Return the id for the next message."""
        self.last_message_id += 1
        return self.last_message_id

    def current_messages(self) -> list[Json]:
        """Return the messages as they stand now, oldest first."""
        return [stored.message for stored in self.messages.values()]

    def has_member(self, user_id: int) -> bool:
        """Return whether somebody is in the group."""
        return self.members.get(user_id, "left") not in ("left", "kicked")
