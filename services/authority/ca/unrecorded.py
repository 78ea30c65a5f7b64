"""Certificates that are on no record, and stay as they were last published.

A certificate that was issued after the backup a database was restored from is unknown to it. What
was published of it must not be forgotten.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from services.authority.ca.models import UnrecordedCertificate
from services.authority.ca.statuses import CertificateRecord, CertificateRegister
from services.authority.lifecycle import CertificateState, RevocationReason


class ExtendedRegister(CertificateRegister):
    """A register, and the certificates that are not in it."""

    def __init__(self, register: CertificateRegister) -> None:
        self._register = register

    @override
    async def find(
        self, session: AsyncSession, serials: Collection[int]
    ) -> Mapping[int, CertificateRecord]:
        found = await self._register.find(session, serials)
        missing = [f"{serial:x}" for serial in serials if serial not in found]
        if not missing:
            return found
        query = select(UnrecordedCertificate).where(UnrecordedCertificate.serial.in_(missing))
        records = [_to_record(row) for row in await session.scalars(query)]
        return {**found, **{record.serial: record for record in records}}

    @override
    async def list_for_crl(
        self, session: AsyncSession, last_list: datetime | None
    ) -> Sequence[CertificateRecord]:
        query = select(UnrecordedCertificate).order_by(UnrecordedCertificate.serial)
        if last_list is not None:
            query = query.where(UnrecordedCertificate.not_after >= last_list)
        unrecorded = [_to_record(row) for row in await session.scalars(query)]
        return [*await self._register.list_for_crl(session, last_list), *unrecorded]


def add_unrecorded(session: AsyncSession, record: CertificateRecord) -> None:
    """Keep publishing a certificate that is on no record as it is."""
    row = UnrecordedCertificate(
        serial=f"{record.serial:x}",
        state=record.state,
        since=record.since,
        not_after=record.not_after,
        revocation_reason=record.reason,
    )
    session.add(row)


def _to_record(row: UnrecordedCertificate) -> CertificateRecord:
    reason = RevocationReason(row.revocation_reason) if row.revocation_reason else None
    state = CertificateState(row.state)
    return CertificateRecord(int(row.serial, 16), state, row.since, row.not_after, reason)
