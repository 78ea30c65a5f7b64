"""The tables of the embedded authority.

Personal data is encrypted field by field (`services.storage.keys`), bound to its
place; a UI No. is found by its keyed hash. Ids are random and disclose nothing.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.database import Base, SteadyTime

ID = String(32)


class Subscriber(Base):
    """A person who applied. Erased when the last application that needs it is."""

    __tablename__ = "subscribers"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    ui_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    birth_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    """Keyed hash of UI No. and birth date, to compare without opening."""
    ui_number: Mapped[bytes]
    name: Mapped[bytes]
    birth_date: Mapped[bytes]
    mail_address: Mapped[bytes]
    postal_address: Mapped[bytes]
    person_serial: Mapped[bytes]
    """The 16 digits that stand for the person in certificates."""
    created_at: Mapped[datetime]


class Application(Base):
    """One application. When it expires unpaid, the row stays without a person."""

    __tablename__ = "applications"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    subscriber_id: Mapped[str | None] = mapped_column(
        ForeignKey("subscribers.id", ondelete="SET NULL"), index=True
    )
    state: Mapped[str] = mapped_column(String(10))
    submitted_at: Mapped[datetime]
    deadline: Mapped[datetime]
    reserved_until: Mapped[SteadyTime | None]
    """An approved pre-checkout keeps it from expiring until then."""
    paid_at: Mapped[datetime | None]
    issued_at: Mapped[datetime | None]
    posted_at: Mapped[datetime | None]
    activated_at: Mapped[datetime | None]
    expired_at: Mapped[datetime | None]
    code_verifier: Mapped[str | None] = mapped_column(String(200))
    """Argon2id of the peppered code."""
    code_sealed: Mapped[bytes | None]
    """The code under its own record key, until activation."""
    record_key: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    """Which record of the record key file opens it."""

    __table_args__ = (Index("applications_by_state", "state", "deadline"),)


class OwedFee(Base):
    """One part of what is owed for an application, as it was on the day it was submitted."""

    __tablename__ = "owed_fees"

    application_id: Mapped[str] = mapped_column(
        ForeignKey("applications.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    amount: Mapped[int]


class CardRecord(Base):
    """The card made for an application. Its admin key is derived, never stored."""

    __tablename__ = "cards"

    application_id: Mapped[str] = mapped_column(
        ForeignKey("applications.id", ondelete="CASCADE"), primary_key=True
    )
    serial: Mapped[str] = mapped_column(String(32), unique=True)
    """Of the chip, 16 random bytes as hex; not the number printed on the card."""
    number_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    number: Mapped[bytes | None]


class CertificateSet(Base):
    """The state of the three certificates of a card, all together."""

    __tablename__ = "certificate_sets"

    application_id: Mapped[str] = mapped_column(
        ForeignKey("applications.id", ondelete="CASCADE"), primary_key=True
    )
    state: Mapped[str] = mapped_column(String(10), index=True)
    changed_at: Mapped[datetime]
    not_before: Mapped[datetime]
    not_after: Mapped[datetime]
    revocation_reason: Mapped[str | None] = mapped_column(String(24))
    held_since: Mapped[datetime | None]
    """Since when they had been on hold when they were revoked."""


class Certificate(Base):
    """One certificate. The document is erased with the person, the serial stays on record."""

    __tablename__ = "certificates"

    serial: Mapped[str] = mapped_column(String(40), primary_key=True)
    """As hex, without leading zeros."""
    application_id: Mapped[str] = mapped_column(
        ForeignKey("certificate_sets.application_id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(16))
    document: Mapped[bytes | None]
    """DER, sealed, since it names the person."""


class GrantRecord(Base):
    """A grant: the permission that a correct code gives, in one chat, for ten minutes."""

    __tablename__ = "grants"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    application_id: Mapped[str] = mapped_column(ForeignKey("applications.id", ondelete="CASCADE"))
    operation: Mapped[str] = mapped_column(String(16))
    proofs: Mapped[str] = mapped_column(String(64))
    chat_id: Mapped[int]
    expires_at: Mapped[SteadyTime] = mapped_column(index=True)
    revealed_at: Mapped[datetime | None]
    announced_at: Mapped[datetime | None]
    """When the resumption was announced."""


class OneTimeChallenge(Base):
    """A one-time code that was asked for. The code is derived, never stored.

    Without an application it is one for nobody, which no answer satisfies.
    """

    __tablename__ = "one_time_challenges"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    application_id: Mapped[str | None] = mapped_column(
        ForeignKey("applications.id", ondelete="CASCADE")
    )
    grant_id: Mapped[str | None] = mapped_column(ForeignKey("grants.id", ondelete="CASCADE"))
    operation: Mapped[str] = mapped_column(String(16))
    subject: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    """What its mail was counted under, for the person; empty in rows of older versions."""
    chat_id: Mapped[int]
    expires_at: Mapped[SteadyTime] = mapped_column(index=True)
    tries: Mapped[int] = mapped_column(default=0)
    last_attempt: Mapped[str] = mapped_column(String(40), default="")
    """What the last try was spent for, which may come again."""
    done_at: Mapped[datetime | None]


class InvoiceRecord(Base):
    """An invoice; its payload is the key."""

    __tablename__ = "invoices"

    payload: Mapped[str] = mapped_column(ID, primary_key=True)
    application_id: Mapped[str] = mapped_column(ForeignKey("applications.id", ondelete="CASCADE"))
    user_id: Mapped[int]
    chat_id: Mapped[int]
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    created_at: Mapped[datetime]
    approved_at: Mapped[SteadyTime | None]


class Payment(Base):
    """A charge, what it paid for, and whether it was refunded. Never deleted."""

    __tablename__ = "payments"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    charge_id: Mapped[str] = mapped_column(String(256), unique=True)
    provider_charge_id: Mapped[str] = mapped_column(String(256))
    payload: Mapped[str] = mapped_column(String(128))
    application_id: Mapped[str | None] = mapped_column(
        ForeignKey("applications.id", ondelete="SET NULL"), index=True
    )
    """What it paid for; empty where it fits nothing."""
    user_id: Mapped[int]
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    received_at: Mapped[datetime]
    unmatched_reason: Mapped[str | None] = mapped_column(String(16))
    refunded_at: Mapped[datetime | None]


class LinkedChat(Base):
    """A chat that is linked to a person."""

    __tablename__ = "linked_chats"

    subscriber_id: Mapped[str] = mapped_column(
        ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True
    )
    chat_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    linked_at: Mapped[datetime]
    client_language: Mapped[str | None] = mapped_column(String(16))
    """What the person's client spoke, for messages to come."""

    __table_args__ = (Index("linked_chats_by_chat", "chat_id"),)


class SecurityAlert(Base):
    """The question "was this you?" in a linked chat. Answering "no" suspends the certificates."""

    __tablename__ = "doubts"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    subscriber_id: Mapped[str] = mapped_column(
        ForeignKey("subscribers.id", ondelete="CASCADE"), index=True
    )
    chat_id: Mapped[int]
    notice: Mapped[str] = mapped_column(String(24))
    """What is asked about."""
    expires_at: Mapped[datetime] = mapped_column(index=True)
    denied_at: Mapped[datetime | None]


class AuditEntry(Base):
    """One entry of the audit, chained to the one before by an HMAC."""

    __tablename__ = "audit_entries"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    act: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(String(64), index=True)
    """The id of an application, a person or a payment, or the keyed hash of a UI No. tried."""
    actor: Mapped[str] = mapped_column(String(64))
    details: Mapped[str] = mapped_column(Text)
    """Small values as JSON; never a secret, never what names a person."""
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditTip(Base):
    """The last entry; writers of the audit lock this row."""

    __tablename__ = "audit_tip"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int]
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))
