"""Whether a certificate is revoked: believed only where its authority signed it."""

from collections.abc import Callable
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from reader_bridge.card.revocation import (
    RevocationStatus,
    Standing,
    UnreachableError,
    check_revocation,
)
from reader_bridge.card.revocation_http import HttpFetch
from tests.reader_bridge.card.issuer import CRL_URL, NOW, OCSP_URL, Issuer

HOLD = x509.ReasonFlags.certificate_hold
SINCE = NOW - timedelta(hours=3)


class Authority:
    """Answers as an authority does; counts how often it was asked."""

    def __init__(self, issuer: Issuer, signer: rsa.RSAPrivateKey | None = None) -> None:
        self.issuer, self.signer = issuer, signer or issuer.key
        self.revoked: x509.ReasonFlags | None = None
        self.responder: x509.Certificate | None = None
        self.next_update = NOW + timedelta(hours=1)
        self.down: set[str] = set()
        self.asked: list[str] = []

    async def __call__(self, url: str, body: bytes | None) -> bytes:
        self.asked.append(url)
        if url in self.down:
            raise UnreachableError(url)
        return self.response(body) if body is not None else self.revocation_list()

    def response(self, body: bytes) -> bytes:
        request = ocsp.load_der_ocsp_request(body)
        certificate = x509.load_der_x509_certificate(self.issuer.certify("signature"))
        assert request.serial_number == certificate.serial_number
        status = ocsp.OCSPCertStatus.REVOKED if self.revoked else ocsp.OCSPCertStatus.GOOD
        builder = ocsp.OCSPResponseBuilder().add_response(
            certificate,
            self.issuer.certificate,
            SHA256(),
            status,
            NOW - timedelta(minutes=1),
            self.next_update,
            SINCE if self.revoked else None,
            self.revoked,
        )
        responder = self.responder or self.issuer.certificate
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.NAME, responder)
        if self.responder is not None:
            builder = builder.certificates([self.responder])
        return builder.sign(self.signer, SHA256()).public_bytes(Encoding.DER)

    def revocation_list(self) -> bytes:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.issuer.name)
            .last_update(NOW - timedelta(minutes=1))
            .next_update(self.next_update)
        )
        if self.revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(0x1234).revocation_date(SINCE)
            entry = entry.add_extension(x509.CRLReason(self.revoked), False)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.signer, SHA256()).public_bytes(Encoding.DER)

    def delegate(self, *purposes: x509.ObjectIdentifier) -> None:
        """Let a responder with a key of its own answer."""
        self.signer = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "responder")])
        self.responder = (
            self.issuer._builder(self.signer.public_key(), name, 7)
            .add_extension(x509.ExtendedKeyUsage(purposes), False)
            .sign(self.issuer.key, SHA256())
        )


@pytest.fixture
def authority(issuer: Issuer) -> Authority:
    return Authority(issuer)


async def standing(authority: Authority, **options: tuple[str, ...]) -> RevocationStatus:
    certificate = authority.issuer.certify("signature")
    return await check_revocation(certificate, authority.issuer.der, authority, NOW, **options)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (None, Standing.GOOD),
        (HOLD, Standing.SUSPENDED),
        (x509.ReasonFlags.key_compromise, Standing.REVOKED),
    ],
)
@pytest.mark.parametrize("by_list", [False, True])
async def test_the_authority_is_believed(
    authority: Authority, reason: x509.ReasonFlags | None, expected: Standing, by_list: bool
) -> None:
    authority.revoked = reason
    authority.down = {OCSP_URL} if by_list else set()
    status = await standing(authority)
    assert status.standing is expected
    assert status.since == (SINCE if reason else None)
    assert status.source == (CRL_URL if by_list else OCSP_URL)
    assert authority.asked == ([OCSP_URL, CRL_URL] if by_list else [OCSP_URL])


async def test_a_responder_the_authority_delegated_to_is_believed(authority: Authority) -> None:
    authority.delegate(ExtendedKeyUsageOID.OCSP_SIGNING)
    assert (await standing(authority)).source == OCSP_URL


def _delegated_for_something_else(authority: Authority) -> None:
    authority.delegate(ExtendedKeyUsageOID.CLIENT_AUTH)


def _delegated_by_somebody(authority: Authority) -> None:
    other = Authority(Issuer())
    other.delegate(ExtendedKeyUsageOID.OCSP_SIGNING)
    authority.signer, authority.responder = other.signer, other.responder


def _signed_by_somebody(authority: Authority) -> None:
    authority.signer = rsa.generate_private_key(65537, 2048)


def _out_of_date(authority: Authority) -> None:
    authority.next_update = NOW - timedelta(seconds=30)


def _down(authority: Authority) -> None:
    authority.down = {OCSP_URL, CRL_URL}


@pytest.mark.parametrize(
    "spoil",
    [
        _delegated_for_something_else,
        _delegated_by_somebody,
        _signed_by_somebody,
        _out_of_date,
        _down,
    ],
)
async def test_nobody_else_is(authority: Authority, spoil: Callable[[Authority], None]) -> None:
    authority.revoked = HOLD
    spoil(authority)
    status = await standing(authority)
    assert status == RevocationStatus(Standing.UNKNOWN)
    assert authority.asked == [OCSP_URL, CRL_URL]


async def test_an_address_that_is_not_the_authoritys_is_not_asked(authority: Authority) -> None:
    status = await standing(authority, hosts=("crl-moica.moi.gov.tw",))
    assert status.standing is Standing.UNKNOWN
    assert authority.asked == []


async def test_a_certificate_of_another_authority_is_not_asked_for(authority: Authority) -> None:
    other = Issuer()
    other.name = authority.issuer.name
    status = await check_revocation(
        other.certify("signature"), authority.issuer.der, authority, NOW
    )
    assert status == RevocationStatus(Standing.UNKNOWN)
    assert authority.asked == []


async def test_answers_that_are_nonsense_are_not_believed(issuer: Issuer) -> None:
    async def nonsense(url: str, body: bytes | None) -> bytes:
        return b"\x30\x82\xff\xff<html>"

    status = await check_revocation(issuer.certify("signature"), issuer.der, nonsense, NOW)
    assert status.standing is Standing.UNKNOWN


async def test_it_is_fetched_within_bounds_and_without_redirects() -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/moved":
            raise web.HTTPFound("/")
        body = await request.read()
        return web.Response(body=b"x" * 1000 if request.path == "/long" else b"got " + body)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    where = f"http://{host}:{port}"
    try:
        async with aiohttp.ClientSession() as session:
            fetch = HttpFetch(session, most_bytes=999)
            assert await fetch(where, b"request") == b"got request"
            assert await fetch(where, None) == b"got "
            for path in ("/long", "/moved"):
                with pytest.raises(UnreachableError):
                    await fetch(where + path, None)
        async with aiohttp.ClientSession() as session:
            await runner.cleanup()
            with pytest.raises(UnreachableError):
                await HttpFetch(session)(where, None)
    finally:
        await runner.cleanup()
