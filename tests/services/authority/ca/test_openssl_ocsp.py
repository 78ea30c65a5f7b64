"""The real ``openssl ocsp`` against a running listener."""

from collections.abc import AsyncIterator
from datetime import datetime

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from services.authority.lifecycle import CertificateState
from tests.services.authority.ca.ca_harness import CaHarness, CardOnRecord, serve_certificates

pytestmark = pytest.mark.parametrize("make_url", ["sqlite"], indirect=True)
"""What is asked and how is no matter of the database."""
_S = CertificateState


@pytest.fixture
async def url(world: CaHarness) -> AsyncIterator[str]:
    async with serve_certificates(world.service) as url:
        yield url


@pytest.fixture
async def card(world: CaHarness, now: datetime) -> CardOnRecord:
    return await world.issue(now, _S.ACTIVE)


async def test_openssl_asks_about_all_three_certificates_at_once(
    world: CaHarness, url: str, card: CardOnRecord, now: datetime
) -> None:
    certificates = [card.x509(kind) for kind in card.certificates]
    said = await world.openssl.ocsp(certificates, f"{url}/ocsp")
    assert "Response verify OK" in said
    assert "WARNING: no nonce" not in said
    assert [f"leaf{n}.pem: good" in said for n in range(3)] == [True] * 3
    await world.move(card, _S.SUSPENDED, now)
    said = await world.openssl.ocsp(certificates, f"{url}/ocsp")
    assert said.count(": revoked") == said.count("Reason: certificateHold") == 3


async def test_openssl_understands_every_way_of_asking(
    world: CaHarness, url: str, card: CardOnRecord
) -> None:
    await _make_signer(world)
    signer = str(world.openssl.path("signer.pem"))
    key = str(world.openssl.path("signer-key.pem"))
    for more in (["-no_nonce"], ["-sha256"], ["-signer", signer, "-signkey", key]):
        said = await world.openssl.ocsp([card.x509()], f"{url}/ocsp", *more)
        assert "Response verify OK" in said, said
        assert "leaf0.pem: good" in said, said


async def test_openssl_hears_that_certificates_of_others_are_not_answered_for(
    world: CaHarness, url: str, card: CardOnRecord
) -> None:
    foreign = card.x509().public_bytes(Encoding.PEM)
    issuer = world.openssl.write("not-the-issuer.pem", foreign)
    arguments = ("ocsp", "-issuer", issuer, "-serial", "0x1234", "-url", f"{url}/ocsp")
    code, said = await world.openssl.run(*arguments)
    assert "Responder Error: unauthorized (6)" in said
    assert code != 0


async def test_openssl_hears_that_a_number_is_unknown(world: CaHarness, url: str) -> None:
    said = await world.openssl.ocsp([], f"{url}/ocsp", "-serial", "0x1234")
    assert "Response verify OK" in said
    assert "0x1234: unknown" in said


async def _make_signer(world: CaHarness) -> None:
    """Make somebody who signs requests."""
    where = ("-keyout", str(world.openssl.path("signer-key.pem")))
    out = ("-out", str(world.openssl.path("signer.pem")))
    shape = ("-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/C=TW/CN=asker", "-days", "1")
    code, said = await world.openssl.run("req", *shape, *where, *out)
    assert code == 0, said
