"""The tables. Names are plural, times are UTC, ids of Telegram are 64-bit integers."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.database import Base, SteadyTime


class UpdateState(StrEnum):
    """State of an update in the inbox."""

    NEW = "new"
    DONE = "done"
    FAILED = "failed"


class InboxUpdate(Base):
    """One update. Its payload is encrypted, and erased when it is done or expires."""

    __tablename__ = "inbox"

    update_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(8), default=UpdateState.NEW)
    received_at: Mapped[datetime]
    payload: Mapped[bytes | None] = mapped_column(LargeBinary)
    error: Mapped[str | None] = mapped_column(String(200))
    """Type of the error; never its message, which may contain what was typed."""
    kind: Mapped[str | None] = mapped_column(String(32))
    """Such as ``message`` (`services.messaging.inbox`); `None` in rows of older versions."""
    chat_id: Mapped[int | None]
    """The chat within which updates keep their order."""
    crashes: Mapped[int] = mapped_column(Integer, default=0)
    """How often the process ended during this update."""

    __table_args__ = (
        Index("inbox_by_state", "state", "update_id"),
        Index("inbox_by_chat", "chat_id", "update_id"),
    )


class PersonRow(Base):
    """The language that a person chose."""

    __tablename__ = "people"

    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    language: Mapped[str | None] = mapped_column(String(16))
    created_at: Mapped[datetime]


class ChatRow(Base):
    """A chat the bot was started in or added to, and since when it may not write there."""

    __tablename__ = "chats"

    chat_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class Vote(Base):
    """One person's vote on one answer."""

    __tablename__ = "votes"

    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entry_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    language: Mapped[str] = mapped_column(String(16))
    helpful: Mapped[bool]
    voted_at: Mapped[datetime]


class UnansweredQuestion(Base):
    """A question without a confident answer, normalised and counted."""

    __tablename__ = "unanswered_questions"

    question: Mapped[str] = mapped_column(Text, primary_key=True)
    language: Mapped[str] = mapped_column(String(16), primary_key=True)
    count: Mapped[int] = mapped_column(default=1)
    first_asked_at: Mapped[datetime]
    last_asked_at: Mapped[datetime]


class PictureFile(Base):
    """Under which id Telegram keeps a picture of the bot."""

    __tablename__ = "picture_files"

    bot_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    language: Mapped[str] = mapped_column(String(16), primary_key=True)
    file_id: Mapped[str] = mapped_column(Text)


class Job(Base):
    """A scheduled job."""

    __tablename__ = "due"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[datetime]
    is_steady: Mapped[bool] = mapped_column(default=False)
    """Whether `at` is of the steady clock, since it was promised in seconds."""
    kind: Mapped[str] = mapped_column(String(32))
    key: Mapped[str] = mapped_column(String(128), unique=True)
    """Identifies the job: scheduling a known key again reschedules it."""
    reference: Mapped[str] = mapped_column(Text)
    """Ids as JSON; never a secret."""
    attempts: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[SteadyTime | None]

    __table_args__ = (Index("due_by_time", "at"),)


class OwnershipRow(Base):
    """Which process owns the database; unused on SQLite."""

    __tablename__ = "ownership"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    epoch: Mapped[int]
    """Raised by every owner."""
    owner: Mapped[str] = mapped_column(String(256))
    """Host and process number, for the operator."""
    since: Mapped[datetime]


class DatabaseFact(Base):
    """A fact about the database itself, such as that the sandbox created it."""

    __tablename__ = "facts"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[str] = mapped_column(String(200))
