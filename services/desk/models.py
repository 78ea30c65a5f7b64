"""The tables of the support desk.

They hold ids, times and states. The words of a message are sealed while it waits to be sent, and
erased with its call; what was sent is known by the ids of the messages only.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from services.desk.ticket_states import TicketState
from services.storage.database import Base
from services.storage.keys import column_context
from services.storage.rotation import SealedColumn

_ID = BigInteger().with_variant(Integer, "sqlite")


class StaffGroup(Base):
    """The forum group of the staff; there is one, or none before it is set up."""

    __tablename__ = "desk_groups"

    chat_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    language: Mapped[str] = mapped_column(String(16))
    """In which the bot speaks to the staff."""
    set_up_by: Mapped[int]
    set_up_at: Mapped[datetime]
    board_message_id: Mapped[int | None]
    """The list of tickets without a topic, where there is one."""


class StaffMember(Base):
    """Somebody who was seen in the staff group."""

    __tablename__ = "desk_staff"

    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    alias: Mapped[str] = mapped_column(String(64))
    """The name that subscribers and colleagues see."""
    role: Mapped[int]
    checked_at: Mapped[datetime | None]
    """When Telegram last said that they are in the group; `None` once they have left."""


class Ticket(Base):
    """A question of a subscriber that a person answers. A subscriber has one that is open."""

    __tablename__ = "tickets"

    id: Mapped[int] = mapped_column(_ID, primary_key=True)
    chat_id: Mapped[int]
    """The private chat with the subscriber."""
    language: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(8), default=TicketState.WAITING)
    is_lost_card: Mapped[bool]
    assignee: Mapped[int | None]
    origin: Mapped[str] = mapped_column(String(64))
    """Id of the answer after which they asked for a person, or empty."""
    step: Mapped[str] = mapped_column(String(40))
    """The step they were at, as ``conversation/step``, or empty."""
    topic_id: Mapped[int | None]
    card_message_id: Mapped[int | None]
    """The first message of the topic, with the buttons."""
    suggested: Mapped[str] = mapped_column(String(200), default="")
    """Ids of the answers suggested below it, separated by spaces."""
    told: Mapped[str] = mapped_column(Text, default="")
    """Ids of staff who were told that what they write is not sent, separated by spaces."""
    opened_at: Mapped[datetime]
    waits_since: Mapped[datetime]
    active_at: Mapped[datetime]
    """When subscriber or assignee last wrote."""
    resolved_at: Mapped[datetime | None]
    reopens_until: Mapped[datetime | None]
    """Until when a message of the subscriber goes on with it; `None` where they ended it."""
    muted_until: Mapped[datetime | None]
    first_answered_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(16))
    """What it was about, once somebody of the staff has said so."""
    is_helpful: Mapped[bool | None]
    """What the subscriber says of it, after it was resolved."""

    __table_args__ = (
        Index("tickets_by_chat", "chat_id", "id"),
        Index("tickets_by_topic", "topic_id"),
        Index("tickets_by_state", "state", "waits_since"),
    )


class Direction(StrEnum):
    """Direction of a message."""

    TO_STAFF = "in"
    TO_SUBSCRIBER = "out"


class MessageState(StrEnum):
    """State of a message that is mirrored."""

    QUEUED = "queued"
    DELIVERED = "sent"
    HELD = "held"
    """Not sent before an editor agrees to an answer, or the subscriber to a picture."""
    ASKED = "asked"
    """Not sent before its author confirms it."""
    REMOVED = "removed"
    """Its copy was deleted again, or will never be sent."""


class TicketMessage(Base):
    """The link between a message and its copy in the other chat."""

    __tablename__ = "ticket_messages"

    id: Mapped[int] = mapped_column(_ID, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"))
    direction: Mapped[str] = mapped_column(String(3))
    source_message_id: Mapped[int]
    """In the private chat if to staff, in the group if to the subscriber.

    Of an answer of the library it is the message that shows it in the topic, and a negative number
    until there is one.
    """
    copy_message_id: Mapped[int | None]
    """In the other chat; several messages that were joined have the same copy."""
    album: Mapped[str | None] = mapped_column(String(64))
    """Id that the messages of an album have in common."""
    author: Mapped[int]
    state: Mapped[str] = mapped_column(String(8), default=MessageState.QUEUED)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    """Keyed hash of its text, by which a change of it is recognised."""
    answer: Mapped[str] = mapped_column(String(64), default="")
    """Id of the FAQ entry or canned answer that was sent, or empty."""
    prompt_message_id: Mapped[int | None]
    """The message in the topic with the button or the code that sent it."""
    at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]

    @property
    def topic_message_id(self) -> int:
        """The message in the topic to reply to where it is about an answer to the subscriber."""
        is_shown = self.source_message_id > 0
        return self.source_message_id if is_shown else self.prompt_message_id or 0

    __table_args__ = (
        UniqueConstraint("ticket_id", "direction", "source_message_id"),
        Index("ticket_messages_by_copy", "ticket_id", "copy_message_id"),
    )


class Lane(StrEnum):
    """Queue within a ticket; its calls are made in order."""

    GROUP = "group"
    """Messages into the topic."""
    UPKEEP = "upkeep"
    """What keeps the topic tidy: buttons, reactions, closing."""
    PRIVATE = "private"
    """Messages to the subscriber."""
    HELD = "held"
    """Pictures that the subscriber has not agreed to pass on; nothing in it is made."""


class DeskCall(Base):
    """A call to Telegram that waits to be made."""

    __tablename__ = "desk_calls"

    id: Mapped[int] = mapped_column(_ID, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"))
    lane: Mapped[str] = mapped_column(String(8))
    kind: Mapped[str] = mapped_column(String(16))
    place: Mapped[int] = mapped_column(default=1)
    """Calls of a lower place in the same lane come first."""
    reference: Mapped[str] = mapped_column(Text)
    """Ids and plain values as JSON."""
    payload: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The words, sealed."""
    at: Mapped[datetime]
    not_before: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)

    __table_args__ = (Index("desk_calls_by_ticket", "ticket_id", "lane", "id"),)


class DeskAuditEntry(Base):
    """Something that a member of the staff did; without any text."""

    __tablename__ = "desk_audit"

    id: Mapped[int] = mapped_column(_ID, primary_key=True)
    ticket_id: Mapped[int | None]
    staff_id: Mapped[int]
    act: Mapped[str] = mapped_column(String(16))
    about: Mapped[str] = mapped_column(String(64))
    """Ids and plain values, or empty."""
    at: Mapped[datetime]

    __table_args__ = (Index("desk_audit_by_time", "at"),)


def payload_seal_context(call_id: int | str) -> str:
    """Return the context that the payload of a call is sealed for."""
    return column_context("desk_calls", call_id, "payload")


DESK_SEALED_COLUMNS = (SealedColumn(DeskCall, DeskCall.id, "payload", payload_seal_context),)
