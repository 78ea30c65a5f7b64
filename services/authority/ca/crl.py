"""The revocation list: complete, signed, numbered, and made anew as soon as it is out of date.

A list is out of date when a status changed since, or after half its time. Whoever asks for it
then waits for the new one, so that nobody is ever given the old; `due` renews it though nobody
asks. It is signed outside any unit of work: a number is taken first, with everything the list has
to tell, and the list is put down afterwards unless one with a higher number was quicker.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from sqlalchemy import delete, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from services import jobs
from services.authority.ca.ca_certificate import CaIdentity
from services.authority.ca.models import ONLY, CertificateAuthority, RevocationList, StatusChange
from services.authority.ca.statuses import Standing, listed
from services.authority.lifecycle import CertificateState
from services.storage.database import Database
from services.storage.models import Due

DUE_KIND = "crl"
VALIDITY = timedelta(hours=24)
"""MOICA publishes once a day (docs/facts.md §1.6)."""
REFRESH = VALIDITY / 2

_log = structlog.get_logger()


@dataclass(frozen=True)
class Crl:
    """A revocation list.

    :ivar changes: up to which change of status it tells.
    """

    number: int
    changes: int
    this_update: datetime
    next_update: datetime
    der: bytes = field(repr=False)

    def is_current(self, changes: int, now: datetime) -> bool:
        """Tell whether it may still be given out."""
        return self.changes == changes and now < self.this_update + REFRESH


@dataclass(frozen=True)
class _Draft:
    """Everything that goes into a list, with its number."""

    number: int
    changes: int
    standings: Sequence[Standing]
    previous: Crl | None


def note_change(session: AsyncSession, now: datetime) -> None:
    """Note, within the change's own transaction, that a new list is needed."""
    session.add(StatusChange(at=now))


class CrlPublisher:
    """Makes revocation lists and gives the current one."""

    def __init__(self, database: Database, identity: CaIdentity) -> None:
        self._database = database
        self._identity = identity
        self._last: Crl | None = None
        self._turn = asyncio.Lock()
        self._refreshing: set[asyncio.Task[None]] = set()

    async def current(self, now: datetime) -> Crl:
        """Give the list that tells of everything up to now, making it if need be."""
        async with self._turn:
            async with self._database.unit_of_work() as session:
                changes, number = await _position(session)
                if self._last is None or self._last.number != number:
                    self._last = await _stored(session)
            if self._last is None or not self._last.is_current(changes, now):
                self._last = await self._publish(now)
            return self._last

    async def refresh_due(self, session: AsyncSession, _row: Due, now: datetime) -> None:
        """Do what falls due: put down the next time, and see to the list once that is committed."""
        await jobs.schedule(session, DUE_KIND, DUE_KIND, now + REFRESH)
        task = asyncio.create_task(self._refresh(now), name="revocation list")
        self._refreshing.add(task)
        task.add_done_callback(self._refreshing.discard)

    async def _refresh(self, now: datetime) -> None:
        try:
            await self.current(now)
        except SQLAlchemyError as error:  # whoever asks for the list next makes it
            _log.error("crl_not_refreshed", error=type(error).__name__)

    async def settled(self) -> None:
        """Wait for lists that are being made."""
        await asyncio.gather(*self._refreshing)

    async def _publish(self, now: datetime) -> Crl:
        moment = now.replace(microsecond=0)
        async with self._database.unit_of_work() as session:
            draft = await _draft(session)
        crl = await asyncio.to_thread(self._sign, draft, moment)
        async with self._database.unit_of_work() as session:
            return await _store(session, crl)

    def _sign(self, draft: _Draft, moment: datetime) -> Crl:
        builder = x509.CertificateRevocationListBuilder(
            last_update=moment,
            next_update=moment + VALIDITY,
            revoked_certificates=_entries(draft),
        ).add_extension(x509.CRLNumber(draft.number), critical=False)
        der = self._identity.sign_list(builder).public_bytes(serialization.Encoding.DER)
        return Crl(draft.number, draft.changes, moment, moment + VALIDITY, der)


def _entries(draft: _Draft) -> list[x509.RevokedCertificate]:
    over = [one.serial for one in draft.standings if one.state is CertificateState.EXPIRED]
    standing = [_entry(one) for one in draft.standings if one.state is not CertificateState.EXPIRED]
    return standing + _entries_before(draft.previous, over)


def _entries_before(previous: Crl | None, serials: Sequence[int]) -> list[x509.RevokedCertificate]:
    """Give what the list before says of certificates that ended since."""
    if previous is None or not serials:
        return []
    before = x509.load_der_x509_crl(previous.der)
    found = (before.get_revoked_certificate_by_serial_number(serial) for serial in serials)
    return [entry for entry in found if entry is not None]


def _entry(standing: Standing) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder(standing.serial, standing.since)
    if standing.published_reason is not x509.ReasonFlags.unspecified:  # RFC 5280 §5.3.1
        builder = builder.add_extension(x509.CRLReason(standing.published_reason), critical=False)
    return builder.build()


async def _position(session: AsyncSession) -> tuple[int, int | None]:
    """Give how many changes there were, and the number of the list that is published."""
    noted = select(func.count(StatusChange.id)).scalar_subquery()
    number = select(func.max(RevocationList.number)).scalar_subquery()
    query = select(CertificateAuthority.changes + noted, number)
    query = query.where(CertificateAuthority.id == ONLY)
    changes, published = (await session.execute(query)).one()
    return changes, published


async def _draft(session: AsyncSession) -> _Draft:
    """Take a number and everything there is to tell.

    The changes are counted before they are read. One that comes in between is told of and not
    counted, and only makes for another list.
    """
    authority = await session.get_one(CertificateAuthority, ONLY, with_for_update=True)
    authority.last_crl_number += 1
    changes, _ = await _position(session)
    previous = await _stored(session)
    standings = await listed(session, previous.this_update if previous else None)
    return _Draft(authority.last_crl_number, changes, standings, previous)


async def _store(session: AsyncSession, crl: Crl) -> Crl:
    """Put a list down and give it; where one with a higher number is there, give that."""
    authority = await session.get_one(CertificateAuthority, ONLY, with_for_update=True)
    stored = await _stored(session)
    if stored and stored.number > crl.number:
        return stored
    await session.execute(delete(RevocationList))
    noted = await session.execute(delete(StatusChange).returning(StatusChange.id))
    authority.changes += len(noted.all())  # the sum of both stays the same
    row = RevocationList(
        number=crl.number,
        changes=crl.changes,
        this_update=crl.this_update,
        next_update=crl.next_update,
        document=crl.der,
    )
    session.add(row)
    return crl


async def _stored(session: AsyncSession) -> Crl | None:
    query = select(RevocationList).order_by(RevocationList.number.desc()).limit(1)
    row = (await session.scalars(query)).one_or_none()
    if row is None:
        return None
    return Crl(row.number, row.changes, row.this_update, row.next_update, row.document)
