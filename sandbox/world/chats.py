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

    @property
    def topic_id(self) -> int:
        """The topic it is in, or 0."""
        is_inside = self.message.get("is_topic_message")
        return int(self.message["message_thread_id"]) if is_inside else 0


@dataclass(slots=True)
class ForumTopic:
    """A topic of a forum; its id is that of the message that created it."""

    id: int
    name: str
    icon_color: int
    icon_custom_emoji_id: str = ""
    is_closed: bool = False
    is_hidden: bool = False
    """Only the general topic can be hidden."""
    creator_id: int = 0

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


@dataclass(frozen=True, slots=True)
class GroupMember:
    """How somebody stands in a group."""

    status: str = "left"
    rights: frozenset[str] = frozenset()
    """What an administrator may do, by the names of the Bot API."""
    is_anonymous: bool = False
    """An administrator who writes in the name of the group."""
    title: str = ""

    @property
    def is_inside(self) -> bool:
        """Whether they are in the group."""
        return self.status not in ("left", "kicked")

    @property
    def is_admin(self) -> bool:
        """Whether they own or administer the group."""
        return self.status in ("creator", "administrator")

    def has_right(self, right: str) -> bool:
        """Return whether they have a right of administrators."""
        return self.status == "creator" or right in self.rights


_OUTSIDER = GroupMember()


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
    members: dict[int, GroupMember] = field(default_factory=dict)
    """Everybody who is or was in a group, the bot included."""
    topics: dict[int, ForumTopic] = field(default_factory=dict)
    """All topics of a forum but the general one."""
    general: ForumTopic | None = None
    """The general topic of a forum, whose messages bear no thread."""
    vanished_topic_ids: set[int] = field(default_factory=set)
    """Topics that people deleted and that the bot has not written to since."""
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
        return self.find_member(user_id).is_inside

    def find_member(self, user_id: int) -> GroupMember:
        """Return how somebody stands in the group, whether they ever were in it or not."""
        return self.members.get(user_id, _OUTSIDER)

    def can_manage_topic(self, topic: ForumTopic, user_id: int) -> bool:
        """Return whether somebody may rename and close a topic, and write in it when closed."""
        member = self.find_member(user_id)
        return member.is_inside and (
            topic.creator_id == user_id or member.has_right("can_manage_topics")
        )
