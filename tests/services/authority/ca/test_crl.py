"""The revocation list: numbered, signed, never behind, and what OpenSSL says by it."""

from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import select, text
from structlog.testing import capture_logs

from bot.jobs.worker import JobWorker
from services.authority.ca.crl import (
    CHECK,
    DUE_KIND,
    REFRESH,
    VALIDITY,
    CrlPublisher,
    record_status_change,
)
from services.authority.ca.models import RevocationList, StatusChange
from services.authority.ca.statuses import CRL_REASONS
from services.authority.lifecycle import CertificateState, RevocationReason
from services.storage.database import Database
from services.storage.models import Job
from tests.services.authority.ca.ca_harness import REGISTER, CaHarness, crl_number, crl_reasons

_S = CertificateState
SECOND = timedelta(seconds=1)
HOLD = x509.ReasonFlags.certificate_hold


async def test_the_list_is_signed_by_the_authority_and_says_for_how_long_it_holds(
    world: CaHarness, now: datetime
) -> None:
    crl = await world.crl(now)
    identity = world.service.signer
    public = identity.certificate.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    assert crl.is_signature_valid(public)
    assert crl.issuer == identity.name
    assert crl.last_update_utc == now.replace(microsecond=0)
    assert crl.next_update_utc == crl.last_update_utc + VALIDITY
    named = crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    assert named.value.key_identifier == identity.key_identifier.digest
    assert not any(extension.critical for extension in crl.extensions)
    assert (crl_number(crl), len(list(crl))) == (1, 0)


async def test_openssl_reads_the_list(world: CaHarness, now: datetime) -> None:
    card = await world.issue(now)
    crl = await world.crl(now)
    path = world.openssl.write("crl.der", crl.public_bytes(serialization.Encoding.DER))
    ca = world.openssl.write("ca.pem", _pem(world))
    code, said = await world.openssl.run(
        "crl", "-inform", "DER", "-in", path, "-CAfile", ca, "-text", "-noout"
    )
    assert code == 0
    assert "verify OK" in said
    assert "X509v3 CRL Number: \n                1\n" in said
    assert said.count("Certificate Hold") == 3
    for serial in card.serials:
        assert f"Serial Number: {serial:X}" in said.replace("Number: 0", "Number: ")


def _pem(world: CaHarness) -> bytes:
    return world.service.signer.certificate.public_bytes(serialization.Encoding.PEM)


async def test_a_change_is_in_the_next_list_that_anybody_gets(
    world: CaHarness, now: datetime
) -> None:
    card = await world.issue(now)
    numbers, seen = [], []
    for step, state in enumerate((_S.ACTIVE, _S.SUSPENDED, _S.ACTIVE, _S.REVOKED)):
        before = await world.crl(now)
        await world.move(card, state, now + step * SECOND)
        crl = await world.crl(now + step * SECOND)
        numbers += [crl_number(before), crl_number(crl)]
        seen.append(crl_reasons(crl, card))
    assert seen == [{"not listed"}, {HOLD}, {"not listed"}, {None}]
    assert numbers == [1, 2, 2, 3, 3, 4, 4, 5]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (_S.INACTIVE, "certificate revoked"),
        (_S.ACTIVE, "leaf.pem: OK"),
        (_S.SUSPENDED, "certificate revoked"),
        (_S.REVOKED, "certificate revoked"),
    ],
)
async def test_openssl_verify_agrees_with_every_state(
    world: CaHarness, now: datetime, state: CertificateState, said: str
) -> None:
    card = await world.issue(now, state)
    crl = await world.crl(now)
    for certificate in map(card.x509, card.certificates):
        assert said in await world.openssl.verify(certificate, crl)


async def test_openssl_verify_sees_that_a_certificate_is_over(
    world: CaHarness, now: datetime
) -> None:
    card = await world.issue(now - 2 * SECOND, _S.EXPIRED, not_after=now - SECOND)
    assert "certificate has expired" in await world.openssl.verify(
        card.x509(), await world.crl(now)
    )


@pytest.mark.parametrize("reason", list(RevocationReason))
async def test_the_reason_of_a_revocation_is_listed(
    world: CaHarness, now: datetime, reason: RevocationReason
) -> None:
    card = await world.issue(now)
    await world.move(card, _S.REVOKED, now, reason)
    crl = await world.crl(now)
    assert crl_reasons(crl, card) == {CRL_REASONS[reason]}
    entry = crl.get_revoked_certificate_by_serial_number(card.serials[0])
    assert entry is not None
    assert entry.revocation_date_utc == now.replace(microsecond=0)


async def test_what_has_ended_is_told_of_once_more_and_then_no_longer(
    world: CaHarness, now: datetime
) -> None:
    end = now + timedelta(hours=1)
    held = await world.issue(now, _S.SUSPENDED, not_after=end)
    revoked = await world.issue(now, _S.REVOKED, not_after=end)
    active = await world.issue(now, _S.ACTIVE, not_after=end)
    await world.crl(now)
    after = end + SECOND
    for card in (held, active):
        await world.move(card, _S.EXPIRED, after)
    first = await world.crl(after)
    assert [crl_reasons(first, card) for card in (held, revoked, active)] == [
        {HOLD},
        {None},
        {"not listed"},
    ]
    second = await world.crl(after + REFRESH)
    assert crl_number(second) == crl_number(first) + 1
    assert list(second) == []


async def test_the_same_list_is_given_until_half_its_time_is_over(
    world: CaHarness, now: datetime
) -> None:
    first = await world.crl(now)
    issued = first.last_update_utc
    assert await world.crl(now) == first
    assert await world.crl(issued + REFRESH - SECOND) == first
    renewed = await world.crl(issued + REFRESH)
    assert (crl_number(renewed), renewed.last_update_utc) == (2, issued + REFRESH)
    assert await world.crl(issued + REFRESH) == renewed


async def test_a_restart_goes_on_with_the_same_list_and_the_same_count(
    world: CaHarness, database: Database, now: datetime
) -> None:
    card = await world.issue(now)
    first = await world.service.crl.get_current(now)
    reborn = CrlPublisher(database, REGISTER, world.service.signer)
    assert await reborn.get_current(now) == first
    await world.move(card, _S.ACTIVE, now)
    assert (await reborn.get_current(now)).number == first.number + 1
    assert (await world.service.crl.get_current(now)).number == first.number + 1


async def test_a_change_that_is_rolled_back_changes_no_list(
    world: CaHarness, database: Database, now: datetime
) -> None:
    await world.issue(now)
    before = await world.crl(now)

    async def cut_short() -> None:
        async with database.unit_of_work() as session:
            record_status_change(session, now)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await cut_short()
    assert await world.crl(now) == before


async def _due(database: Database) -> list[datetime]:
    async with database.unit_of_work() as session:
        return list((await session.scalars(select(Job.at).where(Job.kind == DUE_KIND))).all())


async def test_the_list_is_made_within_a_minute_though_nobody_asks(
    world: CaHarness, database: Database, now: datetime
) -> None:
    worker = JobWorker(database, {DUE_KIND: world.service.crl.refresh_due})
    card = await world.issue(now)
    numbers: list[int] = []
    for moment in (now, now + CHECK, now + 2 * CHECK, now + REFRESH + 2 * CHECK):
        assert await worker.run_due(moment) == 1
        assert await worker.run_due(moment) == 0
        await world.service.crl.wait_for_refreshes()
        assert await _due(database) == [moment + CHECK]
        async with database.unit_of_work() as session:
            numbers += (await session.scalars(select(RevocationList.number))).all()
        if moment == now:
            await world.move(card, _S.ACTIVE, now)
    assert numbers == [1, 2, 2, 3]


async def test_a_database_that_fails_is_logged_and_the_next_who_asks_gets_a_list(
    world: CaHarness, database: Database, now: datetime
) -> None:
    async with database.unit_of_work() as session:
        await world.service.crl.refresh_due(session, Job(), now)
        await session.execute(text("ALTER TABLE revocation_lists RENAME TO away"))
    with capture_logs() as logs:
        await world.service.crl.wait_for_refreshes()
    assert [entry["event"] for entry in logs] == ["task_failed"]
    async with database.unit_of_work() as session:
        await session.execute(text("ALTER TABLE away RENAME TO revocation_lists"))
    assert crl_number(await world.crl(now)) == 1


async def test_only_the_last_list_is_kept_and_no_note_of_changes_it_tells_of(
    world: CaHarness, database: Database, now: datetime
) -> None:
    card = await world.issue(now)
    for state in (_S.ACTIVE, _S.SUSPENDED) * 5:
        await world.move(card, state, now)
        await world.crl(now)
    async with database.unit_of_work() as session:
        numbers = (await session.scalars(select(RevocationList.number))).all()
        noted = (await session.scalars(select(StatusChange.id))).all()
    assert (list(numbers), list(noted)) == ([10], [])
