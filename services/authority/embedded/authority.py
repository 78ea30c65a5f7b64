"""The embedded authority and its parts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from services import rate_limit
from services.authority.embedded import authority_limits
from services.authority.embedded.audit import Audit, AuditHeadFile
from services.authority.embedded.certificates.cards import EmbeddedCards
from services.authority.embedded.certificates.certificates import EmbeddedCertificates
from services.authority.embedded.certificates.issuing import CardIssuer, CardKey, generate_rsa_2048
from services.authority.embedded.chat_links import EmbeddedChatLinks
from services.authority.embedded.credentials import grants
from services.authority.embedded.credentials.credentials import EmbeddedCredentials
from services.authority.embedded.credentials.hashing import Argon2Hasher
from services.authority.embedded.credentials.one_time_codes import OneTimeCodes
from services.authority.embedded.credentials.subscriber_codes import SubscriberCodes
from services.authority.embedded.notifications import security_alerts
from services.authority.embedded.notifications.mails import AuthorityMailComposer
from services.authority.embedded.notifications.security_alerts import EmbeddedSecurityAlerts
from services.authority.embedded.payments.applications import Applications
from services.authority.embedded.payments.payments import EmbeddedPayments
from services.authority.embedded.personal_data.record_keys import RecordKeyFile
from services.authority.embedded.personal_data.records import EmbeddedSealedInput, PersonalRecords
from services.authority.embedded.privacy import DataSubjectRequests
from services.authority.interface.certificates import CertificateIssuer
from services.storage.database import Database
from services.storage.keys import KeyRing, SecretPurpose


@dataclass(frozen=True)
class AuthorityFiles:
    """The files beside the database, which its backups do not contain."""

    record_keys: Path
    audit_head: Path

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        """Return their usual names in a folder."""
        return cls(folder / "record-keys.bin", folder / "audit-head.bin")


@dataclass(frozen=True)
class ExpiryResult:
    """Ids of what expired."""

    applications: tuple[str, ...]
    certificates: tuple[str, ...]


class EmbeddedAuthority:
    """Our own authority (`services.authority.interface.authority.Authority`)."""

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        files: AuthorityFiles,
        issuer: CertificateIssuer | None = None,
        hasher: Argon2Hasher | None = None,
        generate_key: Callable[[], CardKey] = generate_rsa_2048,
        keeper: str | None = None,
    ) -> None:
        self.keeper = keeper
        self.database = database
        self.keys = keys
        self.hasher = hasher or Argon2Hasher()
        self.records = PersonalRecords(keys)
        self.audit = Audit(keys, AuditHeadFile(files.audit_head, keys.secret(SecretPurpose.AUDIT)))
        self.codes = SubscriberCodes(keys, RecordKeyFile(files.record_keys), self.hasher)
        self.one_time_codes = OneTimeCodes(keys)
        self.applications = Applications(self.records, self.codes, self.audit)
        self.certificates = EmbeddedCertificates(self.codes, self.audit)
        self.payments = EmbeddedPayments(self.records, self.audit)
        self.privacy = DataSubjectRequests(self.records, self.codes, self.audit, self.applications)
        self.mail_composer = AuthorityMailComposer(self.records, self.one_time_codes)
        self.card_issuer = CardIssuer(
            database, keys, self.records, self.audit, issuer, generate_key
        )
        self.credentials = EmbeddedCredentials(
            database, self.records, self.codes, self.one_time_codes, self.audit
        )
        self.sealed_input = EmbeddedSealedInput(self.records)
        self.cards = EmbeddedCards(keys, self.audit, self.certificates)
        self.links = EmbeddedChatLinks(self.records, self.audit)
        self.security_alerts = EmbeddedSecurityAlerts(self.certificates, self.audit)

    async def start(self, now: datetime) -> None:
        """Finish what a crash cut off; called once by every process, before anything else."""
        async with self.database.unit_of_work() as session:
            await self.codes.destroy_orphans(session, now)
            await self.audit.initialize(session)

    async def expire_overdue(self, now: datetime) -> ExpiryResult:
        """Call `expire_overdue_within` in a unit of work of its own."""
        async with self.database.unit_of_work() as session:
            return await self.expire_overdue_within(session, now)

    async def expire_overdue_within(self, session: AsyncSession, now: datetime) -> ExpiryResult:
        """Expire what is overdue and delete what has expired. Runs daily and on schedule."""
        applications = await self.applications.expire_overdue(session, now)
        certificates = await self.certificates.expire(session, now)
        await grants.delete_expired_grants(session, now)
        await security_alerts.delete_expired_alerts(session, now)
        await rate_limit.delete_unused_limits(session, authority_limits.WINDOWED_LIMITS, now)
        return ExpiryResult(tuple(applications), tuple(certificates))

    def close(self) -> None:
        """Shut down the threads of the hasher."""
        self.hasher.close()
