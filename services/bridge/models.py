"""The tables of the bridge: codes that wait, who is paired, what is under way, what was released.

An ordinary operation is a row only so that a restart can explain its end; one that sets a PIN is
a row before each of its steps.
"""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.models import Base
from services.storage.rotation import SealedColumn

ID = String(32)


class BridgeCode(Base):
    """A pairing code that a chat was shown; one a chat, the newest counts."""

    __tablename__ = "bridge_codes"

    chat_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    """Keyed, so that the table alone gives no code."""
    user_id: Mapped[int]
    name: Mapped[bytes]
    """What the person calls themself in Telegram, sealed."""
    expires_at: Mapped[datetime] = mapped_column(index=True)


class BridgeSession(Base):
    """A bridge that is paired with a chat; a chat has at most one."""

    __tablename__ = "bridge_sessions"

    chat_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(ID, unique=True)
    user_id: Mapped[int]
    resume_secret: Mapped[bytes]
    """What the bridge proves to have when it comes back, sealed."""
    paired_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    admin_key_rejected: Mapped[bool]
    """A card refused its administrator; no PIN is set over this session any more."""


class BridgeOperation(Base):
    """An operation that is under way, is to be resolved, or whose end was not yet told."""

    __tablename__ = "bridge_operations"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    chat_id: Mapped[int]
    session_id: Mapped[str] = mapped_column(ID)
    work: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(12))
    grant_id: Mapped[str | None] = mapped_column(ID)
    application: Mapped[str | None] = mapped_column(ID)
    card_serial: Mapped[str | None] = mapped_column(String(32))
    nonce: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    """The server's part of the statement that the receipt signs; it is no secret."""
    started_at: Mapped[datetime]
    deadline: Mapped[datetime]
    outcome: Mapped[str | None] = mapped_column(Text)
    """How it ended, as JSON, until the chat was told."""

    __table_args__ = (Index("bridge_operations_by_chat", "chat_id"),)


class BridgeRelease(Base):
    """A cryptogram that left. The key says that one grant releases one, whoever asks and where."""

    __tablename__ = "bridge_releases"

    grant_id: Mapped[str] = mapped_column(ID, primary_key=True)
    operation_id: Mapped[str] = mapped_column(ID)
    card_serial: Mapped[str] = mapped_column(String(32))
    released_at: Mapped[datetime] = mapped_column(index=True)


def name_place(chat_id: str | int) -> str:
    """Give the place a waiting name is sealed for."""
    return f"bridge_codes/{chat_id}/name"


def secret_place(chat_id: str | int) -> str:
    """Give the place a resume secret is sealed for."""
    return f"bridge_sessions/{chat_id}/resume_secret"


SEALED_COLUMNS = (
    SealedColumn(BridgeCode, BridgeCode.chat_id, "name", name_place),
    SealedColumn(BridgeSession, BridgeSession.chat_id, "resume_secret", secret_place),
)
"""For the rotation of the key."""
