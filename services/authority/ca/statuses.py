"""The status that is published of a certificate, and the records it follows from.

| state | published as |
|---|---|
| inactive, suspended | revoked, reason ``certificateHold`` |
| active | good |
| revoked | revoked, with its reason |
| expired | unknown: the authority answers for certificates within their time |

A certificate that was on hold when it was revoked keeps the date of the hold, as X.509 requires:
nothing it signed since counts.

An expired certificate is not published as "good", which would be wrong of one that was on hold when
it expired.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from cryptography.x509 import ReasonFlags
from cryptography.x509.ocsp import OCSPCertStatus
from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.lifecycle import (
    CERTIFICATE_IN_USE,
    ON_HOLD,
    CertificateState,
    RevocationReason,
)

CRL_REASONS: Mapping[RevocationReason, ReasonFlags] = MappingProxyType(
    {
        RevocationReason.KEY_COMPROMISED: ReasonFlags.key_compromise,
        RevocationReason.LOST: ReasonFlags.key_compromise,
        RevocationReason.DATA_CHANGED: ReasonFlags.affiliation_changed,
        RevocationReason.UI_NUMBER_CHANGED: ReasonFlags.affiliation_changed,
        RevocationReason.NATIONALITY_CHANGED: ReasonFlags.affiliation_changed,
        RevocationReason.NOT_NEEDED: ReasonFlags.cessation_of_operation,
        RevocationReason.DECEASED: ReasonFlags.cessation_of_operation,
    }
)
"""RFC 5280 §5.3.1. A lost card counts as compromised: its keys are no longer under sole control."""


@dataclass(frozen=True)
class CertificateStatus:
    """The published status of one certificate.

    :ivar since: since when it is revoked or on hold.
    """

    ocsp_status: OCSPCertStatus
    since: datetime | None = None
    reason: ReasonFlags | None = None


GOOD = CertificateStatus(OCSPCertStatus.GOOD)
UNKNOWN = CertificateStatus(OCSPCertStatus.UNKNOWN)


@dataclass(frozen=True)
class CertificateRecord:
    """What is on record of one certificate.

    :ivar since: when its published status began; of a certificate that was on hold when it was
        revoked, when the hold began.
    """

    serial: int
    state: CertificateState
    since: datetime
    not_after: datetime
    reason: RevocationReason | None

    def status(self, now: datetime) -> CertificateStatus:
        """Return the published status."""
        if self.state is CertificateState.REVOKED:
            return CertificateStatus(OCSPCertStatus.REVOKED, self.since, self.published_reason)
        if self.state not in CERTIFICATE_IN_USE or now > self.not_after:
            return UNKNOWN
        if self.state in ON_HOLD:
            return CertificateStatus(OCSPCertStatus.REVOKED, self.since, self.published_reason)
        return GOOD

    @property
    def published_reason(self) -> ReasonFlags:
        """The reason it is published as revoked for."""
        if self.state in ON_HOLD:
            return ReasonFlags.certificate_hold
        return CRL_REASONS[self.reason] if self.reason else ReasonFlags.unspecified


class CertificateRegister(Protocol):
    """The records of whoever issues through this authority, read within the caller's session."""

    async def find(
        self, session: AsyncSession, serials: Collection[int]
    ) -> Mapping[int, CertificateRecord]:
        """Return the certificates on record, by serial number."""

    async def list_for_crl(
        self, session: AsyncSession, last_list: datetime | None
    ) -> Sequence[CertificateRecord]:
        """Return what the next revocation list has to contain.

        An expired certificate is still part of the first list after its end (RFC 5280 §3.3).

        :param last_list: the moment of the list before, `None` where there is none.
        """
