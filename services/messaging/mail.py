"""E-mail: the outbox's mail channel, by SMTP with TLS."""

import ssl
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from enum import StrEnum
from typing import Protocol

import aiosmtplib
from sqlalchemy.ext.asyncio import AsyncSession

from services.formats.hidden import Hidden
from services.messaging.outbox import OutgoingMessage, UndeliverableError
from services.storage.database import Database

_TIMEOUT = 30.0


@dataclass(frozen=True, repr=False)
class ComposedMail:
    """A mail to be sent."""

    to: str
    subject: str
    body: str


class MailComposer(Protocol):
    """Renders messages of the outbox as mails."""

    async def compose(
        self, session: AsyncSession, message: OutgoingMessage, now: datetime
    ) -> ComposedMail | None:
        """Return the mail, or `None` if it no longer has a recipient."""


class MailTransport(Protocol):
    """Sends mails: by a mail server, or to the sandbox's mail tab."""

    async def send(self, mail: EmailMessage) -> None:
        """Send one mail.

        :raises UndeliverableError: when its recipient can never be reached.
        """


class SmtpSecurity(StrEnum):
    """Encryption of the connection to the mail server."""

    TLS = "tls"
    """From the first byte (port 465)."""
    STARTTLS = "starttls"
    """Required upgrade of a plain connection (port 587)."""
    NONE = "none"
    """For a mail server on this machine only."""


@dataclass(frozen=True)
class SmtpServer:
    """Address of the mail server, and credentials."""

    host: str
    port: int
    sender: str
    security: SmtpSecurity = SmtpSecurity.STARTTLS
    username: str | None = None
    password: Hidden | None = None


class SmtpTransport:
    """Sends mails by an SMTP server."""

    def __init__(self, server: SmtpServer, trust: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._trust = trust or ssl.create_default_context()

    async def send(self, mail: EmailMessage) -> None:
        """Send one mail.

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
                use_tls=server.security is SmtpSecurity.TLS,
                start_tls=server.security is SmtpSecurity.STARTTLS,
                tls_context=self._trust,
                timeout=_TIMEOUT,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            if all(refused.code >= 500 for refused in error.recipients):
                raise UndeliverableError from error
            raise


class MailSender:
    """Sender of the mail channel."""

    def __init__(
        self, database: Database, composer: MailComposer, transport: MailTransport
    ) -> None:
        self._database = database
        self._composer = composer
        self._transport = transport

    async def send(self, message: OutgoingMessage, now: datetime) -> None:
        """Render and send one message, unless it no longer has a recipient."""
        async with self._database.unit_of_work() as session:
            mail = await self._composer.compose(session, message, now)
        if mail is not None:
            await self._transport.send(_to_email(mail, message, now))


def _to_email(mail: ComposedMail, message: OutgoingMessage, now: datetime) -> EmailMessage:
    """Build the e-mail. Its id is that of the outbox, so that a second copy is recognised."""
    email = EmailMessage()
    email["To"] = mail.to
    email["Subject"] = mail.subject
    email["Date"] = now
    email["Message-ID"] = f"<{message.recipient}.{message.id}@kaika.invalid>"
    email["Auto-Submitted"] = "auto-generated"
    email.set_content(mail.body)
    return email
