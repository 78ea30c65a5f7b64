"""Putting holds and revocations back that were published, and that the database does not know.

A database that was restored from a backup is older than the last revocation list. What the list
says of a certificate holds until somebody decides otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from cryptography.x509 import ReasonFlags
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.ca.crl import Crl, adopt_list, read_latest_list, skip_numbers
from services.authority.ca.published_list import (
    PublishedEntry,
    PublishedListFile,
    read_entries,
)
from services.authority.ca.statuses import CertificateRecord
from services.authority.ca.unrecorded import add_unrecorded
from services.authority.embedded.audit import Actor
from services.authority.embedded.certificates.certificates import EmbeddedCertificates
from services.authority.embedded.certificates.register import EmbeddedCertificateRegister
from services.authority.embedded.models import Application, Certificate
from services.authority.lifecycle import ON_HOLD, CertificateState, RevocationReason
from services.calendar import validity_end
from services.storage.database import Database, lock_row

_REASONS: Mapping[ReasonFlags | None, RevocationReason] = {
    ReasonFlags.key_compromise: RevocationReason.KEY_COMPROMISED,
    ReasonFlags.affiliation_changed: RevocationReason.DATA_CHANGED,
    ReasonFlags.cessation_of_operation: RevocationReason.NOT_NEEDED,
}
"""A reason that is published as the list says; which one it was of several is not known."""

_log = structlog.get_logger()


@dataclass(frozen=True)
class ReinstatedCertificates:
    """The certificates of one application that were put on hold or revoked again."""

    application: str
    state: CertificateState
    since: datetime


@dataclass(frozen=True)
class Reinstatement:
    """What was done to agree with the last published list.

    :ivar number: of that list.
    :ivar published_at: when it was.
    :ivar reinstated: put back.
    :ivar unrecorded: on no record, and published further as they were.
    :ivar still_on_hold: applications that are on hold here and were no longer in the list; they
        stay so until somebody looks at them.
    """

    number: int
    published_at: datetime
    reinstated: Sequence[ReinstatedCertificates] = ()
    unrecorded: Sequence[CertificateRecord] = ()
    still_on_hold: Sequence[str] = ()


async def reinstate_published(
    database: Database,
    certificates: EmbeddedCertificates,
    published: PublishedListFile,
    actor: Actor,
    now: datetime,
) -> Reinstatement | None:
    """Bring the database up to the last published list; `None` where it is not behind.

    Called before anything is published. Where the file is missing or damaged and there have been
    lists, nobody knows which one was the last (the database was restored on another machine, or
    the file was lost), so the next list's number lies far above.
    """
    kept = published.read()
    async with database.unit_of_work() as session:
        if kept is None:
            if await skip_numbers(session):
                _log.warning("list_numbers_skipped", path=str(published.path))
            return None
        stored = await read_latest_list(session)
        if stored is not None and kept.number <= stored.number:
            published.keep(stored)
            return None
        done = await _reinstate(session, certificates, kept, actor, now)
        await adopt_list(session, kept)
    _log.warning(
        "published_list_reinstated",
        number=done.number,
        reinstated=[each.application for each in done.reinstated],
        unrecorded=[f"{each.serial:x}" for each in done.unrecorded],
        still_on_hold=done.still_on_hold,
    )
    return done


async def _reinstate(
    session: AsyncSession,
    certificates: EmbeddedCertificates,
    kept: Crl,
    actor: Actor,
    now: datetime,
) -> Reinstatement:
    listed = {entry.serial: _to_record(entry) for entry in read_entries(kept)}
    on_record = await _read_applications(session)
    applications = {serial: on_record[serial] for serial in listed if serial in on_record}
    reinstated: list[ReinstatedCertificates] = []
    for application_id in sorted(set(applications.values())):
        record = next(listed[s] for s, found in applications.items() if found == application_id)
        application = await lock_row(session, Application, application_id)
        assert application is not None
        if await certificates.reinstate(session, application, record, actor, now):
            done = ReinstatedCertificates(application_id, record.state, record.since)
            reinstated.append(done)
    unrecorded = [record for serial, record in listed.items() if serial not in applications]
    for record in unrecorded:
        add_unrecorded(session, record)
    left_on_hold = {
        on_record[record.serial]
        for record in await EmbeddedCertificateRegister().list_for_crl(session, None)
        if record.state in ON_HOLD and record.serial not in listed
    }
    position = (kept.number, kept.this_update)
    return Reinstatement(*position, reinstated, unrecorded, sorted(left_on_hold))


async def _read_applications(session: AsyncSession) -> Mapping[int, str]:
    """Return the application of every serial number on record."""
    rows = await session.execute(select(Certificate.serial, Certificate.application_id))
    return {int(serial, 16): application for serial, application in rows}


def _to_record(entry: PublishedEntry) -> CertificateRecord:
    is_hold = entry.reason is ReasonFlags.certificate_hold
    return CertificateRecord(
        serial=entry.serial,
        state=CertificateState.SUSPENDED if is_hold else CertificateState.REVOKED,
        since=entry.since,
        not_after=validity_end(entry.since),
        reason=_REASONS.get(entry.reason),
    )
