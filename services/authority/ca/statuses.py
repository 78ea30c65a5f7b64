"""What is published of a certificate, from where its state stands.

| state | published as |
|---|---|
| inactive, suspended | revoked, reason ``certificateHold`` |
| active | good |
| revoked | revoked, with its reason |
| expired | unknown: the authority answers for certificates within their time |

One that was on hold when it was revoked keeps the date of the hold, as X.509 wants it: from then on
nothing it signed counts.

Whoever checks a certificate sees by itself that it is over; what it was before is not told, since
"good" would be wrong of one that was on hold when it ended.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from cryptography.x509 import ReasonFlags
from sqlalchemy import and_, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.embedded.models import Certificate, CertificateSet
from services.authority.lifecycle import (
    CERTIFICATE_IN_USE,
    ON_HOLD,
    CertificateState,
    RevocationReason,
)

REASONS: Mapping[RevocationReason, ReasonFlags] = MappingProxyType(
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
"""RFC 5280 §5.3.1. A lost card counts as compromised: its keys are nobody's alone any more."""


class Verdict(StrEnum):
    """What OCSP says of a certificate."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class CertificateStatus:
    """What is published of one certificate.

    :ivar since: since when it is revoked or on hold.
    """

    verdict: Verdict
    since: datetime | None = None
    reason: ReasonFlags | None = None


GOOD = CertificateStatus(Verdict.GOOD)
UNKNOWN = CertificateStatus(Verdict.UNKNOWN)


@dataclass(frozen=True)
class Standing:
    """Where one certificate stands in the records.

    :ivar since: since when what is published of it is so.
    """

    serial: int
    state: CertificateState
    since: datetime
    not_after: datetime
    reason: RevocationReason | None

    def status(self, now: datetime) -> CertificateStatus:
        """Give what is published of it."""
        if self.state is CertificateState.REVOKED:
            return CertificateStatus(Verdict.REVOKED, self.since, self.published_reason)
        if self.state not in CERTIFICATE_IN_USE or now > self.not_after:
            return UNKNOWN
        if self.state in ON_HOLD:
            return CertificateStatus(Verdict.REVOKED, self.since, self.published_reason)
        return GOOD

    @property
    def published_reason(self) -> ReasonFlags:
        """Why it is revoked or on hold."""
        if self.state in ON_HOLD:
            return ReasonFlags.certificate_hold
        return REASONS[self.reason] if self.reason else ReasonFlags.unspecified


async def standings(session: AsyncSession, serials: Collection[int]) -> Mapping[int, Standing]:
    """Give where certificates stand, by serial number, leaving out what is not on record."""
    query = _STANDINGS.where(Certificate.serial.in_([f"{serial:x}" for serial in serials]))
    found = [_standing(*row) for row in (await session.execute(query)).all()]
    return {one.serial: one for one in found}


async def listed(session: AsyncSession, last_list: datetime | None) -> Sequence[Standing]:
    """Give what the next revocation list has to tell of.

    One that ended is still told of in the first list after its end (RFC 5280 §3.3).

    :param last_list: the moment of the list before, `None` where there is none.
    """
    recent = CertificateSet.not_after >= last_list if last_list else true()
    held = CertificateSet.state.in_(ON_HOLD)
    over = CertificateSet.state.in_((CertificateState.REVOKED, CertificateState.EXPIRED))
    query = _STANDINGS.where(or_(held, and_(over, recent))).order_by(Certificate.serial)
    return [_standing(*row) for row in (await session.execute(query)).all()]


_STANDINGS = select(
    Certificate.serial,
    CertificateSet.state,
    func.coalesce(CertificateSet.held_since, CertificateSet.changed_at),
    CertificateSet.not_after,
    CertificateSet.revocation_reason,
).join(CertificateSet, Certificate.application_id == CertificateSet.application_id)


def _standing(
    serial: str, state: str, since: datetime, not_after: datetime, reason: str | None
) -> Standing:
    why = RevocationReason(reason) if reason else None
    return Standing(int(serial, 16), CertificateState(state), since, not_after, why)
