"""From "I lost my card" to the OCSP response: within few messages, and without delay."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha1

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from sqlalchemy import select

from bot.web.certificate_endpoints import certificate_routes
from bot.web.listeners import serve_app
from services.authority.ca.certificate_service import CertificateService
from services.authority.embedded.models import Certificate
from tests import phrases
from tests.bot_harness import BotHarness, ChatUser
from tests.handlers.clock import current_time
from tests.handlers.conversations.online.cardholders import Cardholder, Office, read_one_time_code

GOOD, REVOKED = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED


@dataclass(frozen=True)
class OcspChecker:
    """A relying party that asks for the status of a card's certificates over HTTP."""

    service: CertificateService
    url: str
    http: aiohttp.ClientSession

    async def check(self, holder: Cardholder) -> list[tuple[ocsp.OCSPCertStatus, str | None]]:
        """Return the status of each certificate of a card, and the reason."""
        application = await holder.load_application()
        async with holder.world.database.unit_of_work() as session:
            mine = select(Certificate.serial).where(Certificate.application_id == application.id)
            serials = (await session.scalars(mine)).all()
        return [await self._request_status(int(serial, 16)) for serial in serials]

    async def _request_status(self, serial: int) -> tuple[ocsp.OCSPCertStatus, str | None]:
        issuer = self.service.signer.certificate
        name = sha1(issuer.subject.public_bytes(), usedforsecurity=False).digest()
        key = x509.SubjectKeyIdentifier.from_public_key(issuer.public_key()).digest
        builder = ocsp.OCSPRequestBuilder()
        sha = hashes.SHA1()  # noqa: S303  by which issuers are named
        asked = builder.add_certificate_by_hash(name, key, serial, sha).build()
        body = asked.public_bytes(serialization.Encoding.DER)
        async with self.http.post(f"{self.url}/ocsp", data=body) as answer:
            read = ocsp.load_der_ocsp_response(await answer.read())
        assert read.serial_number == serial
        why = read.revocation_reason
        return read.certificate_status, why.value if why else None


@pytest.fixture
async def checker(harness: BotHarness) -> AsyncIterator[OcspChecker]:
    assert harness.kaika.embedded is not None
    service, app = harness.kaika.embedded.certificates, web.Application()
    app.add_routes(certificate_routes(service, lambda: current_time(harness)))
    async with serve_app(app, "127.0.0.1", 0) as port, aiohttp.ClientSession() as http:
        yield OcspChecker(service, f"http://127.0.0.1:{port}", http)


_PRESSED_AND_SEEN = (
    phrases.SUSPEND_BUTTON,
    phrases.WHO_ARE_YOU,
    phrases.SEND_ONE_TIME_CODE,
    phrases.SUSPEND_NOW,
    phrases.SUSPEND_BUTTON,
    phrases.SUSPENDED,
)
SAID = {
    "en": ("I lost my card", *_PRESSED_AND_SEEN),
    "zh-hant": ("我的卡掉了", *(phrase.chinese for phrase in _PRESSED_AND_SEEN)),
}


@pytest.mark.parametrize("by_mail", [True, False])
@pytest.mark.parametrize("language", SAID)
async def test_a_lost_card_is_on_hold_as_the_bot_says_so_within_seven_messages(
    harness: BotHarness, office: Office, checker: OcspChecker, language: str, by_mail: bool
) -> None:
    lost, lead, who, mail, confirm, now, done = SAID[language]
    holder, anna = await office.cardholder(), harness.add_user(language=language)
    assert await checker.check(holder) == [(GOOD, None)] * 3
    await anna.says(lost)
    await anna.presses(lead)
    anna.sees(who)
    await anna.says(holder.number_and_code)
    if by_mail:
        await anna.presses(mail)
        await anna.says(await read_one_time_code(harness, holder))
    else:
        await anna.says(await holder.read_card_number())
    anna.sees(confirm)
    assert await checker.check(holder) == [(GOOD, None)] * 3, "nothing before she said yes"
    await anna.presses(now)
    anna.sees(done)
    assert await checker.check(holder) == [(REVOKED, "certificateHold")] * 3
    assert _count_messages(anna) <= 7


def _count_messages(anna: ChatUser) -> int:
    """Count the messages of both, also the two with secrets that are deleted already."""
    in_secret = 2
    return len(anna.messages) + in_secret
