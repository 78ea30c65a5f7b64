"""The last published list outside the database, and a database that is older than it."""

import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.ocsp import OCSPCertStatus
from sqlalchemy import select

from services.authority.ca.certificate_service import open_certificate_service
from services.authority.ca.crl import SKIPPED_NUMBERS, UNKNOWN_CHANGES, Crl
from services.authority.ca.published_list import PUBLISHED_LIST, PublishedListFile
from services.authority.embedded.certificates.reinstatement import (
    Reinstatement,
)
from services.authority.embedded.models import AuditEntry
from services.authority.lifecycle import CertificateState
from tests.services.authority.ca.ca_harness import (
    PASSPHRASE,
    PUBLICATION,
    QUICK,
    REGISTER,
    CaHarness,
    crl_number,
)
from tests.services.authority.ca.registry import Registry, reasons

SECOND = timedelta(seconds=1)


class CopiedRegistry(Registry):
    """A registry on one SQLite file, of which an older copy is put back."""

    @property
    def file(self) -> Path:
        return self.folder / "kaika.db"

    def take_copy(self) -> None:
        """Copy the database as it is now, while it is in use."""
        with (
            closing(sqlite3.connect(self.file)) as database,
            closing(sqlite3.connect(self.folder / "copy.db")) as copy,
        ):
            database.backup(copy)

    async def put_copy_back(self) -> Reinstatement | None:
        """Put the copy in the place of the database, and start."""
        await self.world.close()
        shutil.copy(self.folder / "copy.db", self.file)
        return await self.start()


@pytest.fixture
async def registry(
    folder: Path, ca_file: Path, migrated_file: Path, now: datetime
) -> AsyncIterator[CopiedRegistry]:
    shutil.copy(ca_file, folder / "ca.json")
    shutil.copy(migrated_file, folder / "kaika.db")
    registry = CopiedRegistry(f"sqlite+aiosqlite:///{folder / 'kaika.db'}", folder, now)
    await registry.start()
    yield registry
    await registry.world.close()


HOLD, COMPROMISE = x509.ReasonFlags.certificate_hold, x509.ReasonFlags.key_compromise


async def test_a_list_goes_on_above_what_was_published_and_keeps_what_was_on_it(
    registry: CopiedRegistry,
) -> None:
    suspended, revoked, active = [await registry.holder(seed) for seed in (1, 2, 3)]
    await registry.publish()
    registry.take_copy()
    await suspended.suspends(registry.now)
    since = registry.now
    await registry.publish()
    await revoked.is_revoked(registry.now)
    before = await registry.publish()

    done = await registry.put_copy_back()
    after = await registry.publish()
    assert crl_number(after) == crl_number(before) + 1
    assert done is not None
    assert (done.number, done.unrecorded, done.still_on_hold) == (crl_number(before), [], [])
    assert {(each.application, each.state) for each in done.reinstated} == {
        (await registry.application(suspended), CertificateState.SUSPENDED),
        (await registry.application(revoked), CertificateState.REVOKED),
    }
    for someone, reason in ((suspended, HOLD), (revoked, COMPROMISE), (active, None)):
        assert reasons(after, await registry.serials(someone)) == {reason}
    (serial, *_) = await registry.serials(suspended)
    entry = after.get_revoked_certificate_by_serial_number(serial)
    assert entry is not None
    assert entry.revocation_date_utc == since.replace(microsecond=0)
    assert await registry.state(suspended) == CertificateState.SUSPENDED
    assert await registry.state(revoked) == CertificateState.REVOKED


async def test_what_was_put_back_is_on_record_and_can_be_resumed(registry: CopiedRegistry) -> None:
    someone = await registry.holder(1)
    await registry.publish()
    registry.take_copy()
    await someone.suspends(registry.now)
    await registry.publish()
    await registry.put_copy_back()
    async with registry.world.database.unit_of_work() as session:
        query = select(AuditEntry).order_by(AuditEntry.number.desc()).limit(1)
        entry = (await session.scalars(query)).one()
    assert (entry.act, entry.actor) == ("suspended", "system")
    again = registry.world.person(1)
    await again.resumes(registry.now)
    assert reasons(await registry.publish(), await registry.serials(again)) == {None}


async def test_certificates_on_no_record_stay_published(registry: CopiedRegistry) -> None:
    """They were issued after the backup: inactive ones are on hold, and one was revoked."""
    await registry.publish()
    registry.take_copy()
    held, revoked = registry.world.person(1), await registry.holder(2)
    for act in (held.applies, held.pays, held.is_issued):
        await act(registry.now)
    await revoked.is_revoked(registry.now)
    serials = [await registry.serials(someone) for someone in (held, revoked)]
    before = await registry.publish()

    done = await registry.put_copy_back()
    assert done is not None
    assert {record.serial for record in done.unrecorded} == {s for each in serials for s in each}
    for _ in range(2):
        after = await registry.publish()
        assert [reasons(after, each) for each in serials] == [{HOLD}, {COMPROMISE}]
        for serial in (serials[0][0], serials[1][0]):
            status = await registry.service.ocsp._statuses.look_up([serial], registry.now)
            assert status[serial].ocsp_status is OCSPCertStatus.REVOKED
        await registry.world.close()
        assert await registry.start() is None, "the second start has nothing to put back"
    assert crl_number(after) == crl_number(before) + 1


async def test_what_was_resumed_since_stays_on_hold_and_is_named(registry: CopiedRegistry) -> None:
    someone = await registry.holder(1)
    await someone.suspends(registry.now)
    await registry.publish()
    registry.take_copy()
    await someone.resumes(registry.now)
    assert reasons(await registry.publish(), await registry.serials(someone)) == {None}
    done = await registry.put_copy_back()
    assert done is not None
    assert done.still_on_hold == [await registry.application(someone)]
    assert reasons(await registry.publish(), await registry.serials(someone)) == {HOLD}


async def test_an_ordinary_start_changes_nothing(registry: CopiedRegistry) -> None:
    await registry.holder(1)
    before = await registry.publish()
    path = registry.folder / PUBLISHED_LIST
    assert path.stat().st_mode & 0o777 == 0o600
    await registry.world.close()
    assert await registry.start() is None
    assert path.read_bytes() == before.public_bytes(serialization.Encoding.DER)
    assert crl_number(await registry.publish()) == crl_number(before)


@pytest.mark.parametrize("content", [None, b"cut"])
async def test_without_the_file_numbers_are_skipped(
    registry: CopiedRegistry, content: bytes | None
) -> None:
    await registry.holder(1)
    before = await registry.publish()
    path = registry.folder / PUBLISHED_LIST
    path.unlink() if content is None else path.write_bytes(content)
    for _ in range(2):
        await registry.world.close()
        assert await registry.start() is None
    after = await registry.publish()
    assert crl_number(after) > crl_number(before) + SKIPPED_NUMBERS
    assert path.read_bytes() == after.public_bytes(serialization.Encoding.DER)
    await registry.world.close()
    await registry.start()
    assert crl_number(await registry.publish()) == crl_number(after)


async def test_a_list_of_another_authority_is_not_believed(
    world: CaHarness, folder: Path, now: datetime
) -> None:
    crl = await world.service.crl.get_current(now)
    other = folder / "other"
    other.mkdir()
    stranger = await open_certificate_service(
        world.database, REGISTER, folder / "ca.json", PASSPHRASE, PUBLICATION, now, QUICK
    )
    file = PublishedListFile(other / PUBLISHED_LIST, stranger.signer.certificate)
    file.keep(crl)
    assert file.read() == Crl(
        crl.number, UNKNOWN_CHANGES, crl.this_update, crl.next_update, crl.der
    )
    forged = crl.der[:-1] + bytes([crl.der[-1] ^ 1])
    for content in (forged, crl.der[:-5], b"", world.service.certificate_der):
        file.path.write_bytes(content)
        assert file.read() is None


async def test_the_file_keeps_the_highest_number(world: CaHarness, now: datetime) -> None:
    first = await world.service.crl.get_current(now)
    await world.issue(now)
    second = await world.service.crl.get_current(now)
    world.service.published.keep(first)
    kept = world.service.published.read()
    assert kept is not None
    assert kept.number == second.number == first.number + 1
