"""Opening the authority: the first start, the next ones, and keys that are not the right ones."""

from datetime import datetime
from pathlib import Path

import pytest

from services.authority.ca.errors import CaKeyError, CaKeyProblem
from services.authority.ca.models import ROW_ID, CertificateAuthority
from services.authority.ca.publication import PublicationUrls
from services.storage.database import Database
from tests.services.authority.ca.ca_harness import CaHarness, new_ca


async def _problem(database: Database, folder: Path, now: datetime) -> CaKeyProblem:
    with pytest.raises(CaKeyError) as caught:
        await CaHarness.open(database, folder, now)
    return caught.value.problem


async def test_the_first_start_makes_the_key_and_the_next_one_finds_it(
    database: Database, folder: Path, now: datetime
) -> None:
    first = await CaHarness.open(database, folder, now)
    card = await first.issue(now)
    crl = await first.crl(now)
    second = await CaHarness.open(database, folder, now)
    assert second.service.signer.key_id == first.service.signer.key_id
    assert second.service.certificate_der == first.service.certificate_der
    assert await second.crl(now) == crl
    assert card.x509().issuer == second.service.signer.name
    async with database.unit_of_work() as session:
        noted = await session.get_one(CertificateAuthority, ROW_ID)
        assert noted.key_id == first.service.signer.key_id
        assert noted.certificate == first.service.certificate_der


async def test_a_lost_key_is_said_to_be_lost_and_no_other_is_made(
    database: Database, folder: Path, now: datetime
) -> None:
    await CaHarness.open(database, folder, now)
    path = folder / "ca.json"
    path.unlink()
    for _ in range(2):
        assert await _problem(database, folder, now) is CaKeyProblem.LOST
        assert not path.exists()


async def test_the_key_of_another_database_is_refused(
    database: Database, folder: Path, now: datetime
) -> None:
    world = await CaHarness.open(database, folder, now)
    elsewhere = folder / "elsewhere"
    new_ca(elsewhere / "ca.json", now)
    assert await _problem(database, elsewhere, now) is CaKeyProblem.FOREIGN
    again = await CaHarness.open(database, folder, now)
    assert again.service.signer.key_id == world.service.signer.key_id


def test_addresses_lie_below_the_public_one() -> None:
    for base in ("https://bot.example/kaika", "https://bot.example/kaika/"):
        publication = PublicationUrls(base)
        assert publication.ocsp == "https://bot.example/kaika/ocsp"
        assert publication.crl("ab12") == "https://bot.example/kaika/crl/ab12.crl"
        assert publication.ca_certificate("ab12") == "https://bot.example/kaika/ca/ab12.cer"
