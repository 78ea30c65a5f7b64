"""From "I lost my card" to what whoever checks the certificate sees: few messages, and at once."""

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

from bot.web.certificates import certificate_routes
from bot.web.listeners import serve
from services.authority.ca.service import CertificateService
from services.authority.embedded.models import Certificate
from tests.chat import Stage, Subscriber
from tests.handlers.conversations.online.people import Holder, Office, clock, one_time_code

GOOD, REVOKED = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED


@dataclass(frozen=True)
class Checker:
    """A stranger who asks, over HTTP, what a card's certificates are worth."""

    service: CertificateService
    url: str
    http: aiohttp.ClientSession

    async def finds(self, holder: Holder) -> list[tuple[ocsp.OCSPCertStatus, str | None]]:
        """Ask for each certificate of a card; gives its status and why."""
        application = await holder.application()
        async with holder.world.database.unit_of_work() as session:
            mine = select(Certificate.serial).where(Certificate.application_id == application.id)
            serials = (await session.scalars(mine)).all()
        return [await self._asks(int(serial, 16)) for serial in serials]

    async def _asks(self, serial: int) -> tuple[ocsp.OCSPCertStatus, str | None]:
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
async def checker(stage: Stage) -> AsyncIterator[Checker]:
    assert stage.kaika.embedded is not None
    service, app = stage.kaika.embedded.certificates, web.Application()
    app.add_routes(certificate_routes(service, lambda: clock(stage)))
    async with serve(app, "127.0.0.1", 0) as port, aiohttp.ClientSession() as http:
        yield Checker(service, f"http://127.0.0.1:{port}", http)


SAID = {
    "en": ("I lost my card", "Lead me through it", "Who are you?", "Send a one-time code",
           "Suspend now?", "Suspend it now", "Suspended."),
    "zh-hant": ("我的卡掉了", "帶我一步一步做", "請問您是哪位", "寄一次性驗證碼", "現在停用嗎",
                "現在停用", "已停用。"),
}  # fmt: skip


@pytest.mark.parametrize("by_mail", [True, False])
@pytest.mark.parametrize("language", SAID)
async def test_a_lost_card_is_on_hold_as_the_bot_says_so_within_seven_messages(
    stage: Stage, office: Office, checker: Checker, language: str, by_mail: bool
) -> None:
    lost, lead, who, mail, confirm, now, done = SAID[language]
    holder, anna = await office.someone(), stage.subscriber(language=language)
    assert await checker.finds(holder) == [(GOOD, None)] * 3
    await anna.says(lost)
    await anna.presses(lead)
    anna.sees(who)
    await anna.says(holder.both)
    if by_mail:
        await anna.presses(mail)
        await anna.says(await one_time_code(stage, holder))
    else:
        await anna.says(await holder.card_number())
    anna.sees(confirm)
    assert await checker.finds(holder) == [(GOOD, None)] * 3, "nothing before she said yes"
    await anna.presses(now)
    anna.sees(done)
    assert await checker.finds(holder) == [(REVOKED, "certificateHold")] * 3
    assert _messages_of(anna) <= 7


def _messages_of(anna: Subscriber) -> int:
    """Count what was written, by the bot and by her: what she typed in secret is gone already."""
    in_secret = 2
    return len(anna.messages) + in_secret
