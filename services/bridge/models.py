"""The tables of the bridge: pairing codes, pairings, operations and released cryptograms.

An operation that sets no PIN has a row only so that a restart can explain its end; one that sets a
PIN is written before each of its steps.
"""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.database import Base, SteadyTime
from services.storage.keys import column_context
from services.storage.rotation import SealedColumn

ID = String(32)


class PairingCodeRow(Base):
    """The pairing code that a chat was shown last."""

    __tablename__ = "bridge_codes"

    chat_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    """Keyed, so that no code can be found from the table alone."""
    user_id: Mapped[int]
    name: Mapped[bytes]
    """The person's name in Telegram, sealed."""
    expires_at: Mapped[SteadyTime] = mapped_column(index=True)


class PairingRow(Base):
    """A bridge that is paired with a chat; a chat has at most one."""

    __tablename__ = "bridge_sessions"

    chat_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(ID, unique=True)
    user_id: Mapped[int]
    resume_secret: Mapped[bytes]
    """The secret that the bridge proves to have when it reconnects, sealed."""
    paired_at: Mapped[SteadyTime]
    expires_at: Mapped[SteadyTime] = mapped_column(index=True)
    admin_key_rejected: Mapped[bool]
    """A card rejected the issuer's key; no further PIN is set over this pairing."""


class OperationRow(Base):
    """An operation that is running or unresolved, or whose end the chat has not acknowledged."""

    __tablename__ = "bridge_operations"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    chat_id: Mapped[int]
    session_id: Mapped[str] = mapped_column(ID)
    task: Mapped[str] = mapped_column("work", String(20))
    state: Mapped[str] = mapped_column(String(12))
    grant_id: Mapped[str | None] = mapped_column(ID)
    application: Mapped[str | None] = mapped_column(ID)
    card_serial: Mapped[str | None] = mapped_column(String(32))
    nonce: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    """The server's part of the statement that the receipt signs; it is no secret."""
    started_at: Mapped[datetime]
    deadline: Mapped[SteadyTime]
    outcome: Mapped[str | None] = mapped_column(Text)
    """How it ended, as JSON."""

    __table_args__ = (Index("bridge_operations_by_chat", "chat_id"),)


class CryptogramReleaseRow(Base):
    """A released cryptogram. Its key allows one per grant, whichever process releases it."""

    __tablename__ = "bridge_releases"

    grant_id: Mapped[str] = mapped_column(ID, primary_key=True)
    operation_id: Mapped[str] = mapped_column(ID)
    card_serial: Mapped[str] = mapped_column(String(32))
    released_at: Mapped[datetime] = mapped_column(index=True)


def name_seal_context(chat_id: str | int) -> str:
    """The context that the name of a pairing code is sealed for."""
    return column_context("bridge_codes", chat_id, "name")


def secret_seal_context(chat_id: str | int) -> str:
    """The context that a resume secret is sealed for."""
    return column_context("bridge_sessions", chat_id, "resume_secret")


SEALED_COLUMNS = (
    SealedColumn(PairingCodeRow, PairingCodeRow.chat_id, "name", name_seal_context),
    SealedColumn(PairingRow, PairingRow.chat_id, "resume_secret", secret_seal_context),
)
"""For key rotation."""
