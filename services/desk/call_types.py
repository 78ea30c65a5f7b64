"""Calls to Telegram as they wait, and as they are made."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from services.desk.models import Lane

Values = Mapping[str, str | int]


class CallKind(StrEnum):
    """Kind of a call."""

    APPEAR = "appear"
    """Nothing but the topic itself, where nothing is written yet."""
    TEXT = "text"
    COPY = "copy"
    """A copy of a message as it is, or of the messages of an album."""
    MEDIA = "media"
    """Pictures and files, hidden until they are tapped."""
    EDIT = "edit"
    DELETE = "delete"
    SENT = "sent"
    """An answer of the library that was delivered, for the staff to see."""
    NOTICE = "notice"
    """Something that the bot itself says."""
    CARD = "card"
    """The buttons of the first message of a topic, as the ticket is now."""
    CLOSE = "close"
    REOPEN = "reopen"
    REACT = "react"
    DELETE_TOPIC = "delete_topic"


@dataclass(frozen=True)
class PendingCall:
    """A call that waits, without its words.

    :ivar weight: as how many calls Telegram counts it.
    """

    id: int
    ticket_id: int
    lane: Lane
    kind: CallKind
    not_before: datetime
    weight: int


SEND_MESSAGES = frozenset({CallKind.TEXT, CallKind.COPY, CallKind.MEDIA})


@dataclass(frozen=True)
class BegunCall:
    """A call that is being made.

    :ivar messages: ids of the `TicketMessage` rows that it sends or concerns.
    :ivar name: of a notice, or the id of an answer of the library.
    :ivar values: of a notice or an answer, or ids.
    :ivar texts: the words as Telegram HTML; of media, see `MediaFile`.
    """

    id: int
    ticket_id: int
    lane: Lane
    kind: CallKind
    messages: tuple[int, ...]
    name: str
    values: Values
    texts: tuple[str, ...]
    attempts: int

    @property
    def sends_messages(self) -> bool:
        """Whether it sends messages of one side to the other."""
        return self.kind in SEND_MESSAGES


@dataclass(frozen=True)
class MediaFile:
    """A picture, video or file that Telegram has already.

    :ivar kind: ``photo``, ``video`` or ``document``.
    :ivar caption: as Telegram HTML.
    """

    kind: str
    file_id: str
    caption: str = ""

    @classmethod
    def from_text(cls, text: str) -> "MediaFile":
        """Return what `to_text` made a text of."""
        return cls(**json.loads(text))

    def to_text(self) -> str:
        """Return it as one of the texts of a call."""
        return json.dumps(asdict(self), ensure_ascii=False)


def weigh(kind: CallKind, reference: str) -> int:
    """Return as how many calls Telegram counts a call: an album is as many as it has messages."""
    if kind not in (CallKind.COPY, CallKind.MEDIA):
        return 1
    return max(1, len(json.loads(reference)["messages"]))
