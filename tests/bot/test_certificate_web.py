"""CRL, OCSP and the authority's certificate over HTTP."""

import asyncio
import io
import os
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree
from urllib.parse import quote, urlsplit

import aiohttp
import pytest
from aiohttp import ClientResponse
from cryptography import x509
from cryptography.x509 import ocsp
from yarl import URL

from bot.web import certificate_endpoints
from services.authority.lifecycle import CertificateState
from services.storage.database import Database
from services.storage.upgrade import upgrade
from tests.services.authority.ca.ca_harness import (
    CaHarness,
    CardOnRecord,
    new_ca,
    serve_certificates,
)

_S = CertificateState
_E = ocsp.OCSPResponseStatus
TYPE = {"Content-Type": "application/ocsp-request"}


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database and a key, made once."""
    folder = tmp_path_factory.mktemp("ready")
    asyncio.run(_make_ready(folder))
    return folder


async def _make_ready(folder: Path) -> None:
    database = _database(folder)
    await upgrade(database)
    await database.close()
    new_ca(folder / "ca.json", datetime.now(UTC))


def _database(folder: Path) -> Database:
    return Database(f"sqlite+aiosqlite:///{folder / 'kaika.db'}")


@pytest.fixture
async def world(ready: Path, tmp_path: Path) -> AsyncIterator[CaHarness]:
    folder = Path(copytree(ready, tmp_path / "kaika"))
    database = _database(folder)
    yield await CaHarness.open(database, folder, datetime.now(UTC))
    await database.close()


@pytest.fixture
async def url(world: CaHarness) -> AsyncIterator[str]:
    async with serve_certificates(world.service) as url:
        yield url


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def card(world: CaHarness) -> CardOnRecord:
    return await world.issue(datetime.now(UTC), _S.ACTIVE)


async def _ocsp(answer: ClientResponse) -> ocsp.OCSPResponse:
    assert answer.content_type == "application/ocsp-response"
    assert answer.headers["Cache-Control"] == "no-store"
    return ocsp.load_der_ocsp_response(await answer.read())


async def test_the_list_is_found_where_the_certificates_say(
    world: CaHarness, url: str, http: aiohttp.ClientSession, card: CardOnRecord
) -> None:
    points = card.x509().extensions.get_extension_for_class(x509.CRLDistributionPoints)
    (name,) = list(points.value[0].full_name or [])
    async with http.get(url + urlsplit(str(name.value)).path) as answer:
        assert answer.status == 200
        assert answer.content_type == "application/pkix-crl"
        assert answer.headers["Cache-Control"] == "public, no-cache"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        crl = x509.load_der_x509_crl(await answer.read())
        assert "Last-Modified" in answer.headers
    assert crl == await world.crl(datetime.now(UTC))


async def test_who_has_the_list_is_told_so_until_it_changes(
    world: CaHarness, url: str, http: aiohttp.ClientSession, card: CardOnRecord
) -> None:
    address = f"{url}/crl/{world.service.signer.key_id}.crl"
    async with http.get(address) as answer:
        have = {"If-None-Match": answer.headers["ETag"]}
    for _ in range(2):
        async with http.get(address, headers=have) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
            assert answer.headers["ETag"] == have["If-None-Match"]
    await world.move(card, _S.SUSPENDED, datetime.now(UTC))
    async with http.get(address, headers=have) as answer:
        assert answer.status == 200
        assert len(list(x509.load_der_x509_crl(await answer.read()))) == 3


async def test_the_certificate_of_the_authority_is_found_where_the_certificates_say(
    world: CaHarness, url: str, http: aiohttp.ClientSession, card: CardOnRecord
) -> None:
    access = card.x509().extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    address = next(
        str(one.access_location.value)
        for one in access.value
        if one.access_method == x509.oid.AuthorityInformationAccessOID.CA_ISSUERS
    )
    async with http.get(url + urlsplit(address).path) as answer:
        assert answer.content_type == "application/pkix-cert"
        assert answer.headers["Cache-Control"] == "public, max-age=86400"
        found = x509.load_der_x509_certificate(await answer.read())
    card.x509().verify_directly_issued_by(found)


@pytest.mark.parametrize("path", ["/crl/{}.crl", "/ca/{}.cer"])
async def test_another_generation_of_the_authority_is_not_here(
    url: str, http: aiohttp.ClientSession, path: str
) -> None:
    for key_id in ("00" * 20, "..%2f..%2fetc%2fpasswd", "%00", "a" * 3000):
        async with http.get(URL(url + path.format(key_id), encoded=True)) as answer:
            assert answer.status == 404


@pytest.mark.parametrize("path", ["/crl/{}.crl", "/ca/{}.cer"])
async def test_who_asks_for_the_headers_gets_them(
    world: CaHarness, url: str, http: aiohttp.ClientSession, path: str
) -> None:
    address = url + path.format(world.service.signer.key_id)
    async with http.head(address) as answer:
        assert (answer.status, await answer.read()) == (200, b"")
        assert "ETag" in answer.headers


async def test_a_posted_request_is_answered_with_its_nonce(
    world: CaHarness, url: str, http: aiohttp.ClientSession, card: CardOnRecord
) -> None:
    nonce = os.urandom(16)
    request = world.request_for(card.x509(), nonce)
    for _ in range(2):
        async with http.post(f"{url}/ocsp", data=request, headers=TYPE) as answer:
            assert answer.status == 200
            read = await _ocsp(answer)
        assert read.certificate_status is ocsp.OCSPCertStatus.GOOD
        given = read.extensions.get_extension_for_class(x509.OCSPNonce)
        assert given.value.nonce == nonce


def _requests_with_every_sign(world: CaHarness, card: CardOnRecord) -> bytes:
    """Return a request whose base64 contains every character that is special in a URL."""
    while True:
        request = world.request_for(card.x509(), os.urandom(14))
        if {*"+/="} < set(b64encode(request).decode()):
            return request


@pytest.mark.parametrize("kept", ["", "/", "/+", "/+="])
async def test_a_request_in_the_address_is_answered_however_it_is_escaped(
    world: CaHarness, url: str, http: aiohttp.ClientSession, card: CardOnRecord, kept: str
) -> None:
    request = _requests_with_every_sign(world, card)
    path = quote(b64encode(request).decode(), safe=kept)
    async with http.get(URL(f"{url}/ocsp/{path}", encoded=True)) as answer:
        assert answer.status == 200
        read = await _ocsp(answer)
    assert read.certificate_status is ocsp.OCSPCertStatus.GOOD


@pytest.mark.parametrize(
    "path", ["", "nonsense", "%00%ff", "AAAA", "MAA=", "=", "//", "a" * 4000, "%2e%2e%2f", "%"]
)
async def test_nonsense_in_the_address_is_a_malformed_request(
    url: str, http: aiohttp.ClientSession, path: str
) -> None:
    for _ in range(2):
        async with http.get(URL(f"{url}/ocsp/{path}", encoded=True)) as answer:
            assert answer.status == 200
            assert (await _ocsp(answer)).response_status is _E.MALFORMED_REQUEST


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", b"\0" * 16_384]
)
async def test_a_nonsensical_body_is_a_malformed_request(
    url: str, http: aiohttp.ClientSession, body: bytes
) -> None:
    for _ in range(2):
        async with http.post(f"{url}/ocsp", data=io.BytesIO(body), headers=TYPE) as answer:
            assert answer.status == 200
            assert (await _ocsp(answer)).response_status is _E.MALFORMED_REQUEST


async def _without_a_length(chunks: int) -> AsyncIterator[bytes]:
    for _ in range(chunks):
        yield bytes(1024)


async def test_a_body_that_is_too_large_is_refused_with_or_without_its_length(
    world: CaHarness, url: str, http: aiohttp.ClientSession, card: CardOnRecord
) -> None:
    whole = world.request_for(card.x509())
    too_large = whole + bytes(certificate_endpoints.MAX_REQUEST_BYTES)
    for body in (too_large, _without_a_length(17)):
        async with http.post(f"{url}/ocsp", data=body, headers=TYPE) as answer:
            assert answer.status == 413
            assert (await _ocsp(answer)).response_status is _E.MALFORMED_REQUEST
            assert answer.headers["Connection"] == "close"
    async with http.post(f"{url}/ocsp", data=_without_a_length(16), headers=TYPE) as answer:
        assert answer.status == 200


async def test_a_body_that_never_comes_is_not_waited_for(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificate_endpoints, "_PATIENCE", 0.01)
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
    writer.write(b"POST /ocsp HTTP/1.1\r\nHost: kaika\r\nContent-Length: 100\r\n\r\n0")
    assert (await asyncio.wait_for(reader.readline(), 10)).startswith(b"HTTP/1.1 408")
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_nothing_else_can_be_done_here(
    world: CaHarness, url: str, http: aiohttp.ClientSession, method: str
) -> None:
    key_id = world.service.signer.key_id
    for path in ("/ocsp", f"/crl/{key_id}.crl", f"/ca/{key_id}.cer"):
        async with http.request(method, url + path) as answer:
            assert answer.status == 405


async def test_while_the_records_cannot_be_read_everybody_is_told_to_come_again(
    world: CaHarness, url: str, http: aiohttp.ClientSession, card: CardOnRecord
) -> None:
    request = world.request_for(card.x509())
    crl = f"{url}/crl/{world.service.signer.key_id}.crl"
    file = Path(world.database.url.database or "")
    await world.database.close()
    away = file.rename(file.with_name("away"))
    file.write_bytes(b"damaged" * 1000)
    async with http.post(f"{url}/ocsp", data=request, headers=TYPE) as answer:
        assert (await _ocsp(answer)).response_status is _E.TRY_LATER
    async with http.get(crl) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    await world.database.close()
    away.replace(file)
    async with http.post(f"{url}/ocsp", data=request, headers=TYPE) as answer:
        assert (await _ocsp(answer)).response_status is _E.SUCCESSFUL
    async with http.get(crl) as answer:
        assert answer.status == 200


async def test_a_crowd_gets_its_answers(
    world: CaHarness, url: str, http: aiohttp.ClientSession, card: CardOnRecord
) -> None:
    requests = [world.request_for(card.x509(), bytes([n]) * 16) for n in range(100)]

    async def ask(request: bytes) -> bytes:
        async with http.post(f"{url}/ocsp", data=request, headers=TYPE) as answer:
            read = await _ocsp(answer)
            assert read.certificate_status is ocsp.OCSPCertStatus.GOOD
            return read.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce

    nonces = await asyncio.gather(*map(ask, requests))
    assert nonces == [bytes([n]) * 16 for n in range(100)]
