"""A certificate authority with cards, and the real OpenSSL to look at it with."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp

from bot.web.certificate_endpoints import certificate_routes
from bot.web.listeners import serve_app
from services.argon2_cost import Argon2Cost
from services.authority.ca import ca_key_file
from services.authority.ca.ca_key_file import CaParameters
from services.authority.ca.certificate_service import CertificateService, open_certificate_service
from services.authority.ca.crl import record_status_change
from services.authority.ca.publication import PublicationUrls
from services.authority.embedded.certificates.register import EmbeddedCertificateRegister
from services.authority.embedded.models import Application, Certificate, CertificateSet
from services.authority.interface.certificates import (
    CertificateKind,
    CertificateRequest,
    IssuedCertificate,
)
from services.authority.lifecycle import ApplicationState, CertificateState, RevocationReason
from services.formats.hidden import Hidden
from services.storage.database import Database

PASSPHRASE = Hidden("a passphrase for tests only")
QUICK = CaParameters(key_bits=2048, cost=Argon2Cost(memory=64, passes=1))
"""What a real authority spends on its key is not what the tests are about."""
SHA1 = hashes.SHA1()  # noqa: S303
"""What nearly everybody names an issuer by in OCSP; nothing rests on it."""
FIVE_YEARS = timedelta(days=5 * 365)
REGISTER = EmbeddedCertificateRegister()
PUBLICATION = PublicationUrls("http://certificates.test")


@cache
def public_keys() -> Mapping[CertificateKind, bytes]:
    """Keys of a card, made once."""
    return {kind: _public_der(rsa.generate_private_key(65537, 2048)) for kind in CertificateKind}


def _public_der(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def elliptic_key(curve: ec.EllipticCurve) -> bytes:
    return _public_der(ec.generate_private_key(curve))


def rsa_key(bits: int) -> bytes:
    return _public_der(rsa.generate_private_key(65537, bits))


def make_request(now: datetime, **changes: object) -> CertificateRequest:
    """What goes into the certificates of Anna's card."""
    values: dict[str, object] = {
        "name": "NGUYEN THI ANNA",
        "person_serial": "0123456789012345",
        "id_last_four": "0014",
        "card_number": "KA00000000000042",
        "mail_address": "anna@example.com",
        "not_before": now,
        "not_after": now + FIVE_YEARS,
        "public_keys": public_keys(),
    }
    return CertificateRequest(**{**values, **changes})  # type: ignore[arg-type]


@dataclass
class CardOnRecord:
    """A card on record, with its three certificates."""

    application: str
    certificates: Mapping[CertificateKind, IssuedCertificate]

    @property
    def serials(self) -> list[int]:
        return [one.serial for one in self.certificates.values()]

    def x509(self, kind: CertificateKind = CertificateKind.AUTHENTICATION) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.certificates[kind].der)


class CaHarness:
    """An authority on a database, and whoever asks it."""

    def __init__(self, database: Database, service: CertificateService, folder: Path) -> None:
        self.database = database
        self.service = service
        self.openssl = OpenSsl(folder, service)

    @classmethod
    async def open(
        cls,
        database: Database,
        folder: Path,
        now: datetime,
        publication: PublicationUrls = PUBLICATION,
    ) -> "CaHarness":
        path = folder / "ca.json"
        service = await open_certificate_service(
            database, REGISTER, path, PASSPHRASE, publication, now, QUICK
        )
        return cls(database, service, folder)

    async def issue(
        self, now: datetime, state: CertificateState = CertificateState.INACTIVE, **changes: object
    ) -> CardOnRecord:
        """Issue a card and put it on record in `state`."""
        request = make_request(now, **changes)
        issued = await self.service.issuer.issue(request)
        application = secrets.token_hex(16)
        async with self.database.unit_of_work() as session:
            session.add(_application(application, now))
            await session.flush()
            session.add(
                CertificateSet(
                    application_id=application,
                    state=state,
                    changed_at=now,
                    not_before=request.not_before,
                    not_after=request.not_after,
                )
            )
            await session.flush()
            session.add_all(_row(application, one) for one in issued)
            record_status_change(session, now)
        return CardOnRecord(application, {one.kind: one for one in issued})

    async def move(
        self,
        card: CardOnRecord,
        state: CertificateState,
        now: datetime,
        reason: RevocationReason | None = None,
    ) -> None:
        """Change the status of a card as an act of the authority does."""
        async with self.database.unit_of_work() as session:
            row = await session.get_one(CertificateSet, card.application)
            row.state, row.changed_at, row.revocation_reason = state, now, reason
            await session.flush()
            record_status_change(session, now)

    async def crl(self, now: datetime) -> x509.CertificateRevocationList:
        return x509.load_der_x509_crl((await self.service.crl.get_current(now)).der)

    async def ask(self, request: bytes, now: datetime) -> ocsp.OCSPResponse:
        return ocsp.load_der_ocsp_response(await self.service.ocsp.answer(request, now))

    async def ask_about(self, certificate: x509.Certificate, now: datetime) -> ocsp.OCSPResponse:
        return await self.ask(self.request_for(certificate), now)

    def request_for(self, certificate: x509.Certificate, nonce: bytes | None = None) -> bytes:
        builder = ocsp.OCSPRequestBuilder().add_certificate(
            certificate, self.service.signer.certificate, SHA1
        )
        if nonce is not None:
            builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
        return builder.build().public_bytes(serialization.Encoding.DER)


def _application(application: str, now: datetime) -> Application:
    return Application(
        id=application,
        state=ApplicationState.ISSUED,
        submitted_at=now,
        deadline=now + timedelta(days=15),
    )


def _row(application: str, one: IssuedCertificate) -> Certificate:
    return Certificate(
        serial=f"{one.serial:x}", application_id=application, kind=one.kind, document=None
    )


@asynccontextmanager
async def serve_certificates(service: CertificateService) -> AsyncIterator[str]:
    """Serve the public pages on this machine; return their address."""
    app = web.Application()
    app.add_routes(certificate_routes(service))
    async with serve_app(app, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"


def new_ca(path: Path, now: datetime) -> None:
    ca_key_file.create_ca_key_file(path, PASSPHRASE, QUICK, now)


def crl_number(crl: x509.CertificateRevocationList) -> int:
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def crl_reasons(crl: x509.CertificateRevocationList, card: CardOnRecord) -> set[object]:
    """Return why the certificates of a card are listed; they are always listed together."""
    found = [crl.get_revoked_certificate_by_serial_number(serial) for serial in card.serials]
    return {_reason(entry) if entry else "not listed" for entry in found}


def _reason(entry: x509.RevokedCertificate) -> object:
    reasons = [e.value.reason for e in entry.extensions if isinstance(e.value, x509.CRLReason)]
    return reasons[0] if reasons else None


def response_status(answer: bytes) -> set[ocsp.OCSPCertStatus] | ocsp.OCSPResponseStatus:
    """Return what an answer says: the statuses in it, or the error it is."""
    read = ocsp.load_der_ocsp_response(answer)
    if read.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        return read.response_status
    return {one.certificate_status for one in read.responses}


class OpenSsl:
    """The command line tool, as a stranger uses it."""

    def __init__(self, folder: Path, service: CertificateService) -> None:
        self._folder = folder
        self._ca = self.write("openssl-ca.pem", pem(service.signer.certificate))

    def path(self, name: str) -> Path:
        return self._folder / name

    def write(self, name: str, content: bytes) -> str:
        self.path(name).write_bytes(content)
        return str(self.path(name))

    async def run(self, *arguments: str) -> tuple[int, str]:
        """Run it; return how it ended and everything it said."""
        process = await asyncio.create_subprocess_exec(
            "openssl",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode is not None
        return process.returncode, output.decode()

    async def verify(
        self, certificate: x509.Certificate, crl: x509.CertificateRevocationList, *more: str
    ) -> str:
        """Return what ``openssl verify -crl_check`` says of a certificate."""
        leaf = self.write("leaf.pem", pem(certificate))
        listed = self.write("crl.pem", crl.public_bytes(serialization.Encoding.PEM))
        arguments = ("-crl_check", "-x509_strict", "-CAfile", self._ca, "-CRLfile", listed, *more)
        return (await self.run("verify", *arguments, leaf))[1]

    async def ocsp(self, certificates: Sequence[x509.Certificate], url: str, *more: str) -> str:
        """Return what ``openssl ocsp`` says, which checks the response and its signer."""
        arguments = ["ocsp", "-issuer", self._ca, "-CAfile", self._ca, "-url", url, *more]
        for number, certificate in enumerate(certificates):
            leaf = self.write(f"leaf{number}.pem", pem(certificate))
            arguments += ["-cert", leaf]
        return (await self.run(*arguments))[1]

    async def text(self, certificate: x509.Certificate) -> str:
        leaf = self.write("leaf.pem", pem(certificate))
        arguments = ("-in", leaf, "-noout", "-text", "-nameopt", "RFC2253,-esc_msb,utf8")
        return (await self.run("x509", *arguments))[1]


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
