"""SMTP with TLS: to a mail server of a few lines that knows one user and one recipient."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from aiosmtplib import SMTPException
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.formats.hidden import Hidden
from services.messaging.mail import SmtpSecurity, SmtpServer, SmtpTransport
from services.messaging.outbox import UndeliverableError

CHALLENGE = b"220 ready\r\n"


class SmtpStandIn:
    """A mail server of a few lines that speaks TLS, and knows one user and one recipient."""

    def __init__(self, trust: ssl.SSLContext, *, implicit: bool) -> None:
        self.trust, self.implicit = trust, implicit
        self.received: list[bytes] = []
        self.commands: list[str] = []
        self.plain_commands: list[str] = []

    async def start(self) -> int:
        trust = self.trust if self.implicit else None
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=trust)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        secure = self.implicit
        writer.write(CHALLENGE)
        while line := (await reader.readline()).decode().strip():
            (self.commands if secure else self.plain_commands).append(line)
            verb = line.split()[0].upper()
            if verb == "STARTTLS":
                writer.write(b"220 go ahead\r\n")
                await writer.drain()
                await writer.start_tls(self.trust)
                secure = True
            elif verb == "DATA":
                writer.write(b"354 go ahead\r\n")
                self.received.append(await reader.readuntil(b"\r\n.\r\n"))
                writer.write(b"250 taken\r\n")
            else:
                writer.write(self._answer(verb, line, secure))
            if verb == "QUIT":
                break
        await writer.drain()
        writer.close()

    def _answer(self, verb: str, line: str, secure: bool) -> bytes:
        if verb == "EHLO":
            more = "250-AUTH PLAIN\r\n" if secure else "250-STARTTLS\r\n"
            return f"250-stand-in\r\n{more}250 8BITMIME\r\n".encode()
        if verb == "RCPT" and "nobody@" in line:
            return b"550 no such mailbox\r\n"
        return b"235 welcome\r\n" if verb == "AUTH" else b"250 fine\r\n"


def _certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a certificate for the loopback address; return the server's and the client's context."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail stand-in")])
    loopback = x509.IPAddress(IPv4Address("127.0.0.1"))
    start = datetime.now(UTC) - timedelta(hours=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([loopback]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "stand-in.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=pem)


@pytest.fixture(params=[SmtpSecurity.TLS, SmtpSecurity.STARTTLS])
async def smtp(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[SmtpStandIn, SmtpTransport]]:
    """A mail server, and the way to it."""
    server_side, client_side = _certificate(tmp_path)
    stand_in = SmtpStandIn(server_side, implicit=request.param is SmtpSecurity.TLS)
    port = await stand_in.start()
    server = SmtpServer(
        "127.0.0.1", port, "Kaika <kaika@authority.example>", request.param, "kaika", Hidden("pw")
    )
    yield stand_in, SmtpTransport(server, client_side)
    await stand_in.stop()


def _mail(to: str) -> EmailMessage:
    mail = EmailMessage()
    mail["To"], mail["Subject"] = to, "您的憑證 / your certificate"
    mail.set_content("一次性驗證碼 123456\n")
    return mail


async def test_a_mail_goes_out_over_tls_only(smtp: tuple[SmtpStandIn, SmtpTransport]) -> None:
    stand_in, transport = smtp
    await transport.send(_mail("someone@mail.example"))
    received = message_from_bytes(stand_in.received[0], policy=default)
    assert received["To"] == "someone@mail.example"
    assert received["From"] == "Kaika <kaika@authority.example>"
    assert received["Subject"] == "您的憑證 / your certificate"
    assert "一次性驗證碼 123456" in received.get_content()
    in_the_clear = {line.split()[0].upper() for line in stand_in.plain_commands}
    assert in_the_clear <= {"EHLO", "STARTTLS"}
    assert any(line.startswith("AUTH") for line in stand_in.commands)


async def test_a_recipient_refused_for_good_is_undeliverable(
    smtp: tuple[SmtpStandIn, SmtpTransport],
) -> None:
    _, transport = smtp
    with pytest.raises(UndeliverableError):
        await transport.send(_mail("nobody@mail.example"))


async def test_a_server_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    server_side, _ = _certificate(tmp_path)
    stand_in = SmtpStandIn(server_side, implicit=True)
    port = await stand_in.start()
    transport = SmtpTransport(SmtpServer("127.0.0.1", port, "a@b.example", SmtpSecurity.TLS))
    with pytest.raises(SMTPException):
        await transport.send(_mail("someone@mail.example"))
    assert stand_in.commands == []
    await stand_in.stop()
