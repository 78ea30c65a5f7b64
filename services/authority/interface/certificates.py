"""Certificates: their status and suspension, and how an authority has them issued."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.data_types import Change, Timeline


class Certificates(Protocol):
    """Status, suspension and resumption of the certificates on a person's card."""

    async def get_timeline(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> Timeline:
        """Return where the application and its certificates stand."""

    async def preview_change(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> Change:
        """Return what the grant's suspension or resumption would change, before more is proved.

        It discloses no more than `get_timeline`, for which the code is enough.
        """

    async def suspend(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> Change:
        """Suspend the certificates (停用)."""

    async def resume(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> Change:
        """Lift the suspension (復用)."""

    async def announce_resumption(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> Change:
        """Announce by mail and in the other linked chats that the certificates will be resumed."""


class CertificateKind(StrEnum):
    """The certificates on a card."""

    AUTHENTICATION = "authentication"
    SIGNATURE = "signature"
    ENCRYPTION = "encryption"


@dataclass(frozen=True, repr=False)
class CertificateRequest:
    """What goes into the certificates of one card (docs/facts.md §2.7).

    :ivar person_serial: 16 digits, which are not the UI No.
    :ivar id_last_four: the last four characters of the UI No.
    :ivar public_keys: DER SubjectPublicKeyInfo for each certificate.
    """

    name: str
    person_serial: str
    id_last_four: str
    card_number: str
    mail_address: str
    not_before: datetime
    not_after: datetime
    public_keys: Mapping[CertificateKind, bytes]


@dataclass(frozen=True, repr=False)
class IssuedCertificate:
    """One certificate as it was issued."""

    kind: CertificateKind
    serial: int
    der: bytes


class CertificateIssuer(Protocol):
    """What an authority needs of its certificate authority."""

    async def issue(self, request: CertificateRequest) -> Sequence[IssuedCertificate]:
        """Sign one certificate for each public key. Called outside any unit of work.

        A certificate counts once its serial is recorded: an issuance that is cut off before leaves
        certificates nobody has ever seen.
        """
