"""Wiring of the embedded authority: its certificate authority, virtual cards and mails."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from aiohttp.web import RouteDef
from sqlalchemy.ext.asyncio import AsyncSession

from bot.cli import demo_people
from bot.jobs.worker import NetworkJob, TransactionalJob
from bot.settings import PREFIX, SANDBOX_SETTINGS, Settings, SettingsError, is_loopback
from bot.web.certificate_endpoints import certificate_routes
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.virtual_card.issuing import issue_card
from services.argon2_cost import Argon2Cost
from services.authority.ca import crl
from services.authority.ca.ca_key_file import CaParameters
from services.authority.ca.certificate_service import CertificateService, open_certificate_service
from services.authority.ca.publication import PublicationUrls
from services.authority.embedded.audit import SYSTEM
from services.authority.embedded.authority import AuthorityFiles, EmbeddedAuthority
from services.authority.embedded.certificates.issuing import CardKey, generate_rsa_2048
from services.authority.embedded.certificates.register import EmbeddedCertificateRegister
from services.authority.embedded.certificates.reinstatement import reinstate_published
from services.authority.embedded.credentials.hashing import Argon2Hasher
from services.authority.embedded.payments import applications
from services.authority.interface.cards import CardOrder
from services.authority.interface.certificates import CertificateIssuer
from services.formats.hidden import Hidden
from services.messaging import outbox
from services.messaging.mail import (
    MailSender,
    MailTransport,
    SmtpSecurity,
    SmtpServer,
    SmtpTransport,
)
from services.messaging.outbox import Channel, ChannelSender, OutboxDelivery
from services.storage.database import Database
from services.storage.keys import KeyRing
from services.storage.models import DatabaseFact, Job


@dataclass(frozen=True)
class CryptoParameters:
    """Cost of hashes and keys; tests take cheap ones.

    :ivar ca: how a certificate authority is made where there is none yet.
    :ivar generate_key: makes the keys of a card.
    """

    hash_cost: Argon2Cost = field(default_factory=Argon2Cost)
    ca: CaParameters = field(default_factory=CaParameters)
    generate_key: Callable[[], CardKey] = generate_rsa_2048


@dataclass(frozen=True)
class EmbeddedServices:
    """A running authority with its certificate authority and mail channel.

    :ivar mail: the outbox's way to mailboxes.
    """

    authority: EmbeddedAuthority
    certificates: CertificateService
    mail: ChannelSender

    def transactional_jobs(self) -> Mapping[str, TransactionalJob]:
        """Return its jobs that run in a transaction."""
        return {
            crl.DUE_KIND: self.certificates.crl.refresh_due,
            applications.DUE_KIND: self.expire,
        }

    def network_jobs(self, senders: Mapping[Channel, ChannelSender]) -> Mapping[str, NetworkJob]:
        """Return its jobs that use the network.

        :param senders: the outbox's other channels.
        """
        courier = OutboxDelivery(self.authority.database, {Channel.MAIL: self.mail, **senders})

        async def deliver(row: Job, now: datetime) -> None:
            await courier.deliver(row.reference, now)

        return {outbox.JOB_KIND: deliver}

    def routes(self) -> list[RouteDef]:
        """Return its routes on the public listener."""
        return certificate_routes(self.certificates)

    async def expire(self, session: AsyncSession, _row: Job, now: datetime) -> None:
        """Expire what is overdue."""
        await self.authority.expire_overdue_within(session, now)


@asynccontextmanager
async def open_embedded(
    settings: Settings,
    database: Database,
    keys: KeyRing,
    now: datetime,
    mail: MailTransport | None = None,
    crypto: CryptoParameters | None = None,
) -> AsyncIterator[EmbeddedServices]:
    """Keep the authority open while the block runs.

    :param mail: takes the mails away in place of the mail server.
    :param crypto: of its hashes and keys.
    :raises SettingsError: where a setting is missing.
    :raises AuthorityError: for keys that are lost or another database's.
    """
    _require_settings(settings, has_mail=mail is not None)
    transport, crypto = mail or _create_smtp_transport(settings), crypto or CryptoParameters()
    certificates = await open_certificates(settings, database, now, crypto.ca)
    assert certificates is not None
    await _reject_demo_people(settings, database)
    files, hasher = AuthorityFiles.in_folder(settings.data_dir), Argon2Hasher(crypto.hash_cost)
    authority = EmbeddedAuthority(
        database,
        keys,
        files,
        certificates.issuer,
        hasher,
        crypto.generate_key,
        keeper=settings.authority_name,
    )
    try:
        await authority.start(now)
        await reinstate_published(
            database, authority.certificates, certificates.published, SYSTEM, now
        )
        yield EmbeddedServices(
            authority, certificates, MailSender(database, authority.mail_composer, transport)
        )
        await certificates.crl.wait_for_refreshes()
    finally:
        authority.close()


async def open_certificates(
    settings: Settings, database: Database, now: datetime, new: CaParameters | None = None
) -> CertificateService | None:
    """Open the certificate authority; `None` where none is set up.

    :raises CaKeyError: when its key cannot be used.
    """
    if settings.ca_passphrase is None or settings.public_url is None:
        return None
    passphrase = Hidden(settings.ca_passphrase.get_secret_value())
    publication = PublicationUrls(settings.public_url)
    path = settings.ca_key_file
    return await open_certificate_service(
        database, EmbeddedCertificateRegister(), path, passphrase, publication, now, new
    )


async def open_issuer(
    settings: Settings, database: Database, now: datetime
) -> CertificateIssuer | None:
    """Open the issuer for a command of the counter."""
    service = await open_certificates(settings, database, now)
    return service.issuer if service else None


class VirtualCardMaker:
    """Creates the file of a virtual card (`services.authority.interface.cards.CardMaker`)."""

    def make(self, order: CardOrder, path: Path) -> None:
        """Write the card of an order."""
        issue_card(
            path,
            order.passphrase.reveal(),
            card_number=order.card_number.reveal(),
            serial=bytes.fromhex(order.card_serial),
            admin_key=order.admin_key,
            private_keys={kind.value: key for kind, key in order.private_keys.items()},
            certificates={kind.value: der for kind, der in order.certificates.items()},
            pin=SecretBuffer(order.pin.reveal().encode()) if order.pin else None,
        )


def _require_settings(settings: Settings, *, has_mail: bool) -> None:
    missing = []
    if settings.public_url is None:
        missing.append(_missing_setting("PUBLIC_URL", "certificates bear it for good"))
    if settings.ca_passphrase is None:
        missing.append(_missing_setting("CA_PASSPHRASE", "try: openssl rand -hex 32"))
    if settings.smtp_host is None and not has_mail:
        missing.append(_missing_setting("SMTP_HOST", "one-time codes go out by e-mail"))
    if missing:
        raise SettingsError(missing)


def _create_smtp_transport(settings: Settings) -> SmtpTransport:
    assert settings.smtp_host is not None
    assert settings.mail_from is not None
    password = settings.smtp_password
    server = SmtpServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        sender=settings.mail_from,
        security=SmtpSecurity(settings.smtp_security),
        username=settings.smtp_username,
        password=Hidden(password.get_secret_value()) if password else None,
    )
    return SmtpTransport(server)


def _missing_setting(name: str, hint: str) -> str:
    return f"{PREFIX}{name} is missing; {PREFIX}AUTHORITY=embedded needs it, {hint}"


def reject_demo_people_on_telegram(settings: Settings) -> None:
    """Keep the demo people out of the database of a bot on the real Telegram.

    :raises SettingsError: where the settings are those of such a bot.
    """
    is_sandbox = (settings.data_dir / SANDBOX_SETTINGS).is_file()
    if settings.bot_token and not is_sandbox and not is_loopback(settings.base_host):
        problem = (
            f"{PREFIX}BOT_TOKEN belongs to a bot on Telegram, and the codes of the demo people are "
            "no secret; use: kaika --sandbox counter demo-data"
        )
        raise SettingsError([problem])


async def _reject_demo_people(settings: Settings, database: Database) -> None:
    """Keep the sandbox's people, whose codes are public, away from the real Telegram."""
    if is_loopback(settings.base_host):
        return
    async with database.unit_of_work() as session:
        if await session.get(DatabaseFact, demo_people.FACT_NAME) is not None:
            problem = (
                f"{PREFIX}DATABASE_URL names a database with the sandbox's demo people, whose "
                "codes are no secret; use a database of its own"
            )
            raise SettingsError([problem])
