"""The tables of the certificate authority: itself, what changed, and what it published."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.database import Base

ROW_ID = 1
"""The id of the one row there is: a database belongs to one authority."""


class CertificateAuthority(Base):
    """The authority this database belongs to, and its counters."""

    __tablename__ = "certificate_authorities"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key_id: Mapped[str] = mapped_column(String(64))
    certificate: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    changes: Mapped[int] = mapped_column(default=0)
    """Status changes so far, without those in `StatusChange`."""
    last_crl_number: Mapped[int] = mapped_column(default=0)
    """The highest number that was reserved, also for a list that was never published."""


class StatusChange(Base):
    """A status change that no revocation list covers yet.

    Every change adds a row, so that concurrent changes do not wait for each other.
    """

    __tablename__ = "status_changes"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[datetime]


class UnrecordedCertificate(Base):
    """A certificate that was published as on hold or revoked, and is on no record.

    It was issued after the backup that the database was restored from.
    """

    __tablename__ = "unrecorded_certificates"

    serial: Mapped[str] = mapped_column(String(40), primary_key=True)
    """As hex, without leading zeros."""
    state: Mapped[str] = mapped_column(String(10))
    since: Mapped[datetime]
    not_after: Mapped[datetime]
    """When it is over at the latest."""
    revocation_reason: Mapped[str | None] = mapped_column(String(24))


class RevocationList(Base):
    """A revocation list as it was published. Only the last is kept."""

    __tablename__ = "revocation_lists"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    changes: Mapped[int]
    """How many status changes it covers."""
    this_update: Mapped[datetime]
    next_update: Mapped[datetime]
    document: Mapped[bytes] = mapped_column(LargeBinary)
    """DER"""
