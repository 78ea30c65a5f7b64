"""The revocation list: complete, signed, numbered, and replaced as soon as it is out of date.

A list is out of date when a status changed since, or after half its validity. A request for it then
waits for the new one, so that an old list is never served; a scheduled job renews it without
requests. It is signed outside any unit of work: first a number is reserved and the records are
read, and afterwards the list is stored, unless one with a higher number was stored meanwhile.
Before anybody gets it, it is kept outside the database too (`published_list`).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services import jobs
from services.authority.ca.ca_certificate import CaSigner
from services.authority.ca.models import ROW_ID, CertificateAuthority, RevocationList, StatusChange
from services.authority.ca.statuses import CertificateRecord, CertificateRegister
from services.authority.lifecycle import CertificateState
from services.storage.availability import DatabaseUnavailableError
from services.storage.database import Database
from services.storage.models import Job
from services.supervisor import OwnedTasks

DUE_KIND = "crl"
VALIDITY = timedelta(hours=24)
"""MOICA publishes once a day (docs/facts.md §1.6)."""
REFRESH = VALIDITY / 2
CHECK = timedelta(minutes=1)
"""How soon a change is in a list though nobody asks for one."""
SKIPPED_NUMBERS = 1_000_000
"""More than are published in the life of a backup: with one a minute, in two years."""
UNKNOWN_CHANGES = -1
"""How many changes a list covers that this database did not publish."""

_log = structlog.get_logger()


@dataclass(frozen=True)
class Crl:
    """A revocation list.

    :ivar changes: how many status changes it covers.
    """

    number: int
    changes: int
    this_update: datetime
    next_update: datetime
    der: bytes = field(repr=False)

    def is_current(self, changes: int, now: datetime) -> bool:
        """Whether it is up to date."""
        return self.changes == changes and now < self.this_update + REFRESH


@dataclass(frozen=True)
class _Draft:
    """Everything that goes into a list, with its number."""

    number: int
    changes: int
    records: Sequence[CertificateRecord]
    previous: Crl | None


def record_status_change(session: AsyncSession, now: datetime) -> None:
    """Record, within the change's own transaction, that a new list is needed."""
    session.add(StatusChange(at=now))


class CrlPublisher:
    """Publishes revocation lists."""

    def __init__(
        self,
        database: Database,
        register: CertificateRegister,
        signer: CaSigner,
        keep: Callable[[Crl], None] = lambda _crl: None,
    ) -> None:
        self._database = database
        self._register = register
        self._signer = signer
        self._keep = keep
        self._last: Crl | None = None
        self._lock = asyncio.Lock()
        self._refreshing = OwnedTasks()

    async def get_current(self, now: datetime) -> Crl:
        """Return a list that covers every change so far, signing a new one if necessary."""
        async with self._lock:
            async with self._database.unit_of_work() as session:
                changes, number = await _read_position(session)
                if self._last is None or self._last.number != number:
                    self._last = await read_latest_list(session)
            if self._last is None or not self._last.is_current(changes, now):
                self._last = await self._publish(now)
            return self._last

    async def refresh_due(self, session: AsyncSession, _row: Job, now: datetime) -> None:
        """Run the scheduled job: schedule the next, then refresh the list after the commit."""
        await jobs.schedule_after(session, DUE_KIND, DUE_KIND, CHECK, now)
        self._refreshing.start("revocation list", self._refresh(now))

    async def _refresh(self, now: datetime) -> None:
        try:
            await self.get_current(now)
        except DatabaseUnavailableError as error:  # whoever asks for the list next makes it
            _log.error("crl_not_refreshed", error=type(error).__name__)

    async def wait_for_refreshes(self) -> None:
        """Wait for refreshes under way."""
        await self._refreshing.wait()

    async def _publish(self, now: datetime) -> Crl:
        moment = now.replace(microsecond=0)
        async with self._database.unit_of_work() as session:
            draft = await self._draft(session)
        crl = await asyncio.to_thread(self._sign, draft, moment)
        async with self._database.unit_of_work() as session:
            crl = await _save(session, crl)
        try:
            await asyncio.to_thread(self._keep, crl)
        except OSError as error:
            _log.error("published_list_not_kept", error=type(error).__name__)
        return crl

    async def _draft(self, session: AsyncSession) -> _Draft:
        """Reserve a number and read every record of the next list.

        The changes are counted before the records are read. One that comes in between is covered
        but not counted, and only causes another list.
        """
        authority = await session.get_one(CertificateAuthority, ROW_ID, with_for_update=True)
        authority.last_crl_number += 1
        changes, _ = await _read_position(session)
        previous = await read_latest_list(session)
        records = await self._register.list_for_crl(
            session, previous.this_update if previous else None
        )
        return _Draft(authority.last_crl_number, changes, records, previous)

    def _sign(self, draft: _Draft, moment: datetime) -> Crl:
        builder = x509.CertificateRevocationListBuilder(
            last_update=moment,
            next_update=moment + VALIDITY,
            revoked_certificates=_build_entries(draft),
        ).add_extension(x509.CRLNumber(draft.number), critical=False)
        der = self._signer.sign_list(builder).public_bytes(serialization.Encoding.DER)
        return Crl(draft.number, draft.changes, moment, moment + VALIDITY, der)


def _build_entries(draft: _Draft) -> list[x509.RevokedCertificate]:
    expired = [one.serial for one in draft.records if one.state is CertificateState.EXPIRED]
    current = [
        _build_entry(one) for one in draft.records if one.state is not CertificateState.EXPIRED
    ]
    return current + _copy_entries(draft.previous, expired)


def _copy_entries(previous: Crl | None, serials: Sequence[int]) -> list[x509.RevokedCertificate]:
    """Copy the entries of certificates that expired since the previous list."""
    if previous is None or not serials:
        return []
    before = x509.load_der_x509_crl(previous.der)
    found = (before.get_revoked_certificate_by_serial_number(serial) for serial in serials)
    return [entry for entry in found if entry is not None]


def _build_entry(record: CertificateRecord) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder(record.serial, record.since)
    if record.published_reason is not x509.ReasonFlags.unspecified:  # RFC 5280 §5.3.1
        builder = builder.add_extension(x509.CRLReason(record.published_reason), critical=False)
    return builder.build()


async def _read_position(session: AsyncSession) -> tuple[int, int | None]:
    """Return the number of status changes so far, and the number of the published list."""
    pending = select(func.count(StatusChange.id)).scalar_subquery()
    number = select(func.max(RevocationList.number)).scalar_subquery()
    query = select(CertificateAuthority.changes + pending, number)
    query = query.where(CertificateAuthority.id == ROW_ID)
    changes, published = (await session.execute(query)).one()
    return changes, published


async def _save(session: AsyncSession, crl: Crl) -> Crl:
    """Store a list and return it, or return the stored one if its number is higher."""
    authority = await session.get_one(CertificateAuthority, ROW_ID, with_for_update=True)
    stored = await read_latest_list(session)
    if stored and stored.number > crl.number:
        return stored
    covered = await session.execute(delete(StatusChange).returning(StatusChange.id))
    authority.changes += len(covered.all())  # the sum of both stays the same
    await _replace_latest(session, crl)
    return crl


async def _replace_latest(session: AsyncSession, crl: Crl) -> None:
    await session.execute(delete(RevocationList))
    row = RevocationList(
        number=crl.number,
        changes=crl.changes,
        this_update=crl.this_update,
        next_update=crl.next_update,
        document=crl.der,
    )
    session.add(row)


async def adopt_list(session: AsyncSession, crl: Crl) -> None:
    """Store a list that this database does not know, so that the next one follows it."""
    authority = await session.get_one(CertificateAuthority, ROW_ID, with_for_update=True)
    authority.last_crl_number = max(authority.last_crl_number, crl.number)
    await _replace_latest(session, crl)


async def skip_numbers(session: AsyncSession) -> bool:
    """Have the next list's number lie above every one that may have been published.

    For a database that has published lists, where the last one was not kept. Returns whether it
    has published any.
    """
    authority = await session.get_one(CertificateAuthority, ROW_ID, with_for_update=True)
    if not authority.last_crl_number:
        return False
    authority.last_crl_number += SKIPPED_NUMBERS
    await session.execute(delete(RevocationList))
    return True


async def read_latest_list(session: AsyncSession) -> Crl | None:
    """Return the published list; `None` where there is none yet."""
    query = select(RevocationList).order_by(RevocationList.number.desc()).limit(1)
    row = (await session.scalars(query)).one_or_none()
    if row is None:
        return None
    return Crl(row.number, row.changes, row.this_update, row.next_update, row.document)
