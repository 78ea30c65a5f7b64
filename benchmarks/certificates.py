"""The time until a suspension is published, and the status look-ups answered per second.

    python -m benchmarks.certificates

The authority is the real one on SQLite with 10,000 cards on record (a tenth of them suspended),
served over HTTP from one core and asked from the other. A suspension is timed from before its
unit of work, audit and notice included, until the client has read it over HTTP.
"""

import asyncio
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

import aiohttp
import uvloop
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import ocsp
from rich.console import Console
from sqlalchemy import insert

from benchmarks.processes import BOT_CORE, FAKE_CORE, ROOT, OtherPrograms
from benchmarks.results import merge
from bot.web.certificate_endpoints import certificate_routes
from bot.web.listeners import serve_app
from services.authority.ca.certificate_service import CertificateService, open_certificate_service
from services.authority.ca.crl import record_status_change
from services.authority.ca.publication import PublicationUrls
from services.authority.ca.status_lookup import BatchedStatusLookup
from services.authority.embedded.audit import Actor
from services.authority.embedded.authority import AuthorityFiles, EmbeddedAuthority
from services.authority.embedded.certificates.register import EmbeddedCertificateRegister
from services.authority.embedded.models import Application, Certificate, CertificateSet
from services.authority.interface.certificates import CertificateKind, CertificateRequest
from services.authority.lifecycle import ApplicationState, CertificateAct, CertificateState
from services.formats.hidden import Hidden
from services.storage import keys
from services.storage.database import Database, lock_row
from services.storage.upgrade import upgrade

CARDS = 10_000
SUSPENSIONS = 50
REQUESTS = 4_000
CONNECTIONS = 16
_PASSPHRASE = Hidden("only for measuring")
_console = Console()


class PublicationScenario:
    """An authority with many cards on record, one of which is looked up."""

    def __init__(self, authority: EmbeddedAuthority, service: CertificateService) -> None:
        self.authority = authority
        self.database = authority.database
        self.service = service
        self.card = secrets.token_hex(16)
        self.serial = 0
        self.request = b""

    async def populate(self, now: datetime) -> None:
        """Store the cards."""
        others = [secrets.token_hex(16) for _ in range(CARDS)]
        suspended = set(others[: CARDS // 10])
        der = await self._issue(now)
        certificate = x509.load_der_x509_certificate(der)
        self.serial = certificate.serial_number
        self.request = _request(certificate, self.service.signer.certificate)
        serials = [(card, x509.random_serial_number()) for card in others for _ in range(3)]
        async with self.database.unit_of_work() as session:
            cards = [self.card, *others]
            await session.execute(insert(Application), [_application(c, now) for c in cards])
            sets = [_set(card, card in suspended, now) for card in cards]
            await session.execute(insert(CertificateSet), sets)
            known = [(self.card, self.serial), *serials]
            await session.execute(insert(Certificate), [_row(*pair) for pair in known])
            record_status_change(session, now)

    async def _issue(self, now: datetime) -> bytes:
        key = rsa.generate_private_key(65537, 2048).public_key()
        public = key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        request = CertificateRequest(
            name="BENCHMARK",
            person_serial="0" * 16,
            id_last_four="0000",
            card_number="KA00000000000000",
            mail_address="benchmark@example.com",
            not_before=now,
            not_after=now + timedelta(days=1826),
            public_keys={CertificateKind.AUTHENTICATION: public},
        )
        (issued,) = await self.service.issuer.issue(request)
        return issued.der

    async def act(self, act: CertificateAct) -> None:
        """Suspend or resume the card through the authority."""
        now = datetime.now(UTC)
        async with self.database.unit_of_work() as session:
            application = await lock_row(session, Application, self.card)
            assert application is not None
            actor = Actor.at_counter("benchmark")
            await self.authority.certificates.change_state(session, application, act, actor, now)


def _request(certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1())
    return builder.build().public_bytes(serialization.Encoding.DER)


def _application(card: str, now: datetime) -> dict[str, object]:
    return {
        "id": card,
        "state": ApplicationState.ACTIVATED,
        "submitted_at": now,
        "deadline": now + timedelta(days=15),
    }


def _set(card: str, suspended: bool, now: datetime) -> dict[str, object]:
    return {
        "application_id": card,
        "state": CertificateState.SUSPENDED if suspended else CertificateState.ACTIVE,
        "changed_at": now,
        "not_before": now,
        "not_after": now + timedelta(days=1826),
    }


def _row(card: str, serial: int) -> dict[str, object]:
    return {"serial": f"{serial:x}", "application_id": card, "kind": "authentication"}


@asynccontextmanager
async def _open_scenario(folder: Path) -> AsyncIterator[PublicationScenario]:
    now = datetime.now(UTC)
    database = Database(f"sqlite+aiosqlite:///{folder / 'kaika.db'}")
    await upgrade(database)
    publication = PublicationUrls("http://127.0.0.1")
    service = await open_certificate_service(
        database, EmbeddedCertificateRegister(), folder / "ca.json", _PASSPHRASE, publication, now
    )
    ring = keys.load_or_create(folder / "keys.json")
    files = AuthorityFiles.in_folder(folder)
    authority = EmbeddedAuthority(database, ring, files, service.issuer)
    await authority.start(now)
    scenario = PublicationScenario(authority, service)
    await scenario.populate(now)
    yield scenario
    authority.close()
    await database.close()


Look = Callable[[], Awaitable[bool]]


async def _time_to_show(scenario: PublicationScenario, is_suspended: Look) -> list[float]:
    """Time suspensions in milliseconds until `is_suspended` returns true."""
    times = []
    for _ in range(SUSPENSIONS):
        begun = perf_counter()
        await scenario.act(CertificateAct.SUSPEND)
        assert await is_suspended()
        times.append((perf_counter() - begun) * 1000)
        await scenario.act(CertificateAct.RESUME)
        assert not await is_suspended()
    return times


async def _publication_times(scenario: PublicationScenario, url: str) -> dict[str, list[float]]:
    crl = f"{url}/crl/{scenario.service.signer.key_id}.crl"
    async with aiohttp.ClientSession() as session:

        async def by_ocsp() -> bool:
            async with session.post(f"{url}/ocsp", data=scenario.request) as answer:
                read = ocsp.load_der_ocsp_response(await answer.read())
                return read.certificate_status is ocsp.OCSPCertStatus.REVOKED

        async def by_crl() -> bool:
            async with session.get(crl) as answer:
                read = x509.load_der_x509_crl(await answer.read())
                return read.get_revoked_certificate_by_serial_number(scenario.serial) is not None

        return {
            "ocsp": await _time_to_show(scenario, by_ocsp),
            "crl": await _time_to_show(scenario, by_crl),
        }


async def _each_per_second(work: Callable[[], Awaitable[object]], count: int) -> float:
    begun = perf_counter()
    for _ in range(count):
        await work()
    return count / (perf_counter() - begun)


async def _rates(scenario: PublicationScenario, url: str) -> dict[str, float]:
    now = datetime.now(UTC)
    statuses = BatchedStatusLookup(scenario.database, EmbeddedCertificateRegister())
    over_http = await _ask_from_the_other_core(url, scenario.request)
    return {
        "status_look_ups": await _each_per_second(
            lambda: statuses.look_up([scenario.serial], now), 1000
        ),
        "answers": await _each_per_second(
            lambda: scenario.service.ocsp.answer(scenario.request, now), 1000
        ),
        "answers_over_http": over_http,
    }


async def _ask_from_the_other_core(url: str, request: bytes) -> float:
    arguments = ("-m", "benchmarks.certificates", "ask", url, request.hex())
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=subprocess.PIPE, cwd=ROOT
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return float(output)


async def _ask(url: str, request: bytes) -> float:
    """Send requests over several connections; return the answers per second."""
    async with aiohttp.ClientSession() as session:

        async def one_connection() -> None:
            for _ in range(REQUESTS // CONNECTIONS):
                async with session.post(f"{url}/ocsp", data=request) as answer:
                    body = await answer.read()
            read = ocsp.load_der_ocsp_response(body)
            assert read.certificate_status is ocsp.OCSPCertStatus.GOOD

        begun = perf_counter()
        await asyncio.gather(*(one_connection() for _ in range(CONNECTIONS)))
        return REQUESTS / (perf_counter() - begun)


async def _measure(folder: Path) -> dict[str, object]:
    async with _open_scenario(folder) as scenario:
        app = web.Application()
        app.add_routes(certificate_routes(scenario.service))
        async with serve_app(app, "127.0.0.1", 0) as port:
            url = f"http://127.0.0.1:{port}"
            times = await _publication_times(scenario, url)
            rates = await _rates(scenario, url)
    return {
        "certificates_on_record": 3 * CARDS + 1,
        "suspension_to_answer_ms": {name: _summary(values) for name, values in times.items()},
        "per_second": {name: round(rate) for name, rate in rates.items()},
    }


def _summary(milliseconds: list[float]) -> dict[str, float]:
    return {
        "median": round(median(milliseconds), 1),
        "p95": round(quantiles(milliseconds, n=20)[-1], 1),
        "max": round(max(milliseconds), 1),
    }


def main() -> int:
    """Measure, print and write the figures."""
    if sys.argv[1:2] == ["ask"]:
        os.sched_setaffinity(0, {FAKE_CORE})
        sys.stdout.write(str(uvloop.run(_ask(sys.argv[2], bytes.fromhex(sys.argv[3])))))
        return 0
    os.sched_setaffinity(0, {BOT_CORE})
    with tempfile.TemporaryDirectory() as folder:
        others = OtherPrograms()
        figures = uvloop.run(_measure(Path(folder)))
    figures["others_busy"] = others.share()
    merge("certificates", figures)
    _console.print(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
