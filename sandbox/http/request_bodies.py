"""The JSON bodies of the person and world interfaces."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

USERNAME = r"^[A-Za-z][A-Za-z0-9_]{4,31}$"


class StrictBody(BaseModel):
    """A JSON object in which every name counts."""

    model_config = ConfigDict(extra="forbid")


class NewPersonBody(StrictBody):
    """A person to be made."""

    first_name: str = Field(min_length=1, max_length=64)
    last_name: str | None = Field(default=None, max_length=64)
    username: str | None = Field(default=None, pattern=USERNAME)
    language_code: str | None = None


class SendBody(StrictBody):
    """A text to be sent."""

    text: str
    chat_id: int | None = None
    message_thread_id: int = 0
    reply_to_message_id: int | None = None
    quote: str | None = None


class StartBody(StrictBody):
    """The payload of a deep link, if any."""

    payload: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,64}$")


class MessageBody(StrictBody):
    """A message in a chat."""

    message_id: int
    chat_id: int | None = None


class PressBody(MessageBody):
    """A button to be pressed."""

    data: str | None = None
    text: str | None = None
    forge: bool = False
    wait: float = 10.0


class PressKeyBody(StrictBody):
    """A key of a reply keyboard to be pressed."""

    text: str
    chat_id: int | None = None
    message_thread_id: int = 0


class ShareChatBody(StrictBody):
    """A key of a reply keyboard that asks for a group, and the group."""

    text: str
    group_id: int


class InlineBody(StrictBody):
    """An inline query."""

    query: str
    chat_id: int | None = None
    offset: str = ""
    wait: float = 10.0


class ChooseBody(StrictBody):
    """An inline result to be sent."""

    inline_query_id: str
    result_id: str
    chat_id: int | None = None
    message_thread_id: int = 0


class EditBody(MessageBody):
    """A text to be changed."""

    text: str


class ReactBody(MessageBody):
    """A reaction; none takes it back."""

    emoji: str | None = None


class MediaBody(StrictBody):
    """Something to be sent that is no text."""

    kind: str
    caption: str | None = None
    chat_id: int | None = None
    message_thread_id: int = 0
    reply_to_message_id: int | None = None
    details: dict[str, Any] = {}


class AlbumBody(StrictBody):
    """Files to be sent as one album."""

    kinds: list[str]
    caption: str | None = None
    chat_id: int | None = None
    message_thread_id: int = 0


class ForwardBody(StrictBody):
    """A message to be forwarded."""

    message_id: int
    from_chat_id: int | None = None
    chat_id: int | None = None
    message_thread_id: int = 0


class EmptyBody(StrictBody):
    """Nothing."""


class PayBody(MessageBody):
    """An invoice to be paid."""

    outcome: Literal["success", "decline", "slow"] = "success"


class NewGroupBody(StrictBody):
    """A group to be made; its first member makes it."""

    title: str = Field(min_length=1, max_length=128)
    is_forum: bool = False
    members: list[int] = Field(min_length=1)
    username: str | None = Field(default=None, pattern=USERNAME)
    bot_is_admin: bool = False
    bot_rights: list[str] | None = None


class MemberBody(StrictBody):
    """Who joins or leaves."""

    person_id: int


class BotStatusBody(MemberBody):
    """What the bot shall be in a group, and who makes it so."""

    status: Literal["member", "administrator", "left", "kicked"]
    rights: list[str] | None = None


class MemberStatusBody(MemberBody):
    """What a person shall be in a group, and who makes them so."""

    by: int
    status: str
    rights: list[str] | None = None
    is_anonymous: bool = False
    title: str = Field(default="", max_length=16)


class NewTopicBody(MemberBody):
    """A topic to be made."""

    name: str = Field(min_length=1, max_length=128)


class OptionsBody(StrictBody):
    """Options to be switched on or off."""

    flood_limits: bool | None = None
    inline_buttons_in_topics: bool | None = None
    inline_feedback: bool | None = None


class MailBody(StrictBody):
    """A mail."""

    to: str
    subject: str
    text: str
    html: str | None = None


class FaultBody(StrictBody):
    """How the next calls of a method go wrong; ``*`` is every method."""

    method: str
    error_code: int = Field(default=0, ge=0, le=599)
    description: str = ""
    retry_after: int = 0
    times: int = Field(default=1, ge=1)
    delay_ms: int = Field(default=0, ge=0, le=60_000)
    migrate_to: int = 0
    body: str | None = None
    content_encoding: str = ""
    hangs_up: bool = False
    takes_effect: bool = False
