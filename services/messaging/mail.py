"""E-mail: the outbox's way to a person's mailbox, by SMTP with TLS."""

import ssl
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from enum import StrEnum
from typing import Protocol

import aiosmtplib
from sqlalchemy.ext.asyncio import AsyncSession

from services.formats.hidden import Hidden
from services.messaging.outbox import Outgoing, UndeliverableError
from services.storage.database import Database

_TIMEOUT = 30.0


@dataclass(frozen=True, repr=False)
class Mail:
    """A mail as it goes out."""

    to: str
    subject: str
    body: str


class Composer(Protocol):
    """Renders a message of the outbox when its turn comes."""

    async def compose(self, session: AsyncSession, message: Outgoing, now: datetime) -> Mail | None:
        """Give the mail, or `None` where there is nobody to tell (any more)."""


class MailTransport(Protocol):
    """What takes a mail away: a mail server, or the sandbox's mail tab."""

    async def send(self, mail: EmailMessage) -> None:
        """Hand over one mail.

        :raises UndeliverableError: when its recipient will never be reached.
        """


class Security(StrEnum):
    """How the connection to the mail server is protected."""

    TLS = "tls"
    """From the first byte (port 465)."""
    STARTTLS = "starttls"
    """Begun in the clear and required to change over (port 587)."""
    NONE = "none"
    """For a mail server on this machine only."""


@dataclass(frozen=True)
class SmtpServer:
    """Which mail server to use, and as whom."""

    host: str
    port: int
    sender: str
    security: Security = Security.STARTTLS
    username: str | None = None
    password: Hidden | None = None


class SmtpTransport:
    """Hands mails to an SMTP server."""

    def __init__(self, server: SmtpServer, trust: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._trust = trust or ssl.create_default_context()

    async def send(self, mail: EmailMessage) -> None:
        """Hand over one mail.

        :raises UndeliverableError: when the server refuses its recipient for good.
        """
        server = self._server
        mail["From"] = server.sender
        try:
            await aiosmtplib.send(
                mail,
                hostname=server.host,
                port=server.port,
                username=server.username,
                password=server.password.reveal() if server.password else None,
                use_tls=server.security is Security.TLS,
                start_tls=server.security is Security.STARTTLS,
                tls_context=self._trust,
                timeout=_TIMEOUT,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            if all(refused.code >= 500 for refused in error.recipients):
                raise UndeliverableError from error
            raise


class MailSender:
    """The outbox's sender for the mail channel."""

    def __init__(self, database: Database, composer: Composer, transport: MailTransport) -> None:
        self._database = database
        self._composer = composer
        self._transport = transport

    async def send(self, message: Outgoing, now: datetime) -> None:
        """Render and send one message; one that has nobody to go to is done."""
        async with self._database.unit_of_work() as session:
            mail = await self._composer.compose(session, message, now)
        if mail is not None:
            await self._transport.send(_written(mail, message, now))


def _written(mail: Mail, message: Outgoing, now: datetime) -> EmailMessage:
    """Write a mail down. Its id is that of the outbox, so that a second copy is recognised."""
    written = EmailMessage()
    written["To"] = mail.to
    written["Subject"] = mail.subject
    written["Date"] = now
    stamp = f"{message.recipient}.{message.id}"
    written["Message-ID"] = f"<{stamp}@kaika.invalid>"
    written["Auto-Submitted"] = "auto-generated"
    written.set_content(mail.body)
    return written
