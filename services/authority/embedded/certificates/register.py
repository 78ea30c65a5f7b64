"""The certificates on record, as the certificate authority publishes their status."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import and_, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from services.authority.ca.statuses import CertificateRecord, CertificateRegister
from services.authority.embedded.models import Certificate, CertificateSet
from services.authority.lifecycle import ON_HOLD, CertificateState, RevocationReason

_RECORDS = select(
    Certificate.serial,
    CertificateSet.state,
    func.coalesce(CertificateSet.held_since, CertificateSet.changed_at),
    CertificateSet.not_after,
    CertificateSet.revocation_reason,
).join(CertificateSet, Certificate.application_id == CertificateSet.application_id)


class EmbeddedCertificateRegister(CertificateRegister):
    """Reads the tables of the embedded authority."""

    @override
    async def find(
        self, session: AsyncSession, serials: Collection[int]
    ) -> Mapping[int, CertificateRecord]:
        query = _RECORDS.where(Certificate.serial.in_([f"{serial:x}" for serial in serials]))
        found = [_record(*row) for row in (await session.execute(query)).all()]
        return {record.serial: record for record in found}

    @override
    async def list_for_crl(
        self, session: AsyncSession, last_list: datetime | None
    ) -> Sequence[CertificateRecord]:
        recent = CertificateSet.not_after >= last_list if last_list else true()
        held = CertificateSet.state.in_(ON_HOLD)
        over = CertificateSet.state.in_((CertificateState.REVOKED, CertificateState.EXPIRED))
        query = _RECORDS.where(or_(held, and_(over, recent))).order_by(Certificate.serial)
        return [_record(*row) for row in (await session.execute(query)).all()]


def _record(
    serial: str, state: str, since: datetime, not_after: datetime, reason: str | None
) -> CertificateRecord:
    why = RevocationReason(reason) if reason else None
    return CertificateRecord(int(serial, 16), CertificateState(state), since, not_after, why)
