"""Opening the embedded authority for a command."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot import settings as settings_module
from bot.cli.database_session import open_database_session
from bot.settings import Settings
from bot.wiring import embedded
from services.authority.embedded.audit import Actor
from services.authority.embedded.authority import AuthorityFiles, EmbeddedAuthority
from services.authority.embedded.certificates.issuing import CardKey, generate_rsa_2048
from services.authority.embedded.counter import Counter
from services.authority.embedded.credentials.hashing import Argon2Hasher
from services.authority.interface.cards import CardMaker
from services.authority.interface.certificates import CertificateIssuer
from services.storage.database import Database

OpenIssuer = Callable[[Settings, Database, datetime], Awaitable[CertificateIssuer | None]]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class CommandDependencies:
    """What the commands depend on; a command finds it in its context's `obj`.

    :ivar open_issuer: opens the certificate authority; without one nothing can be issued.
    :ivar card_maker: writes virtual cards.
    """

    open_issuer: OpenIssuer = embedded.open_issuer
    card_maker: CardMaker = field(default_factory=embedded.VirtualCardMaker)
    settings: Callable[[], Settings] = settings_module.load_settings
    clock: Callable[[], datetime] = _now
    hasher: Callable[[], Argon2Hasher] = Argon2Hasher
    generate_key: Callable[[], CardKey] = generate_rsa_2048


@dataclass(frozen=True)
class AuthoritySession:
    """An open authority for the length of one command."""

    settings: Settings
    authority: EmbeddedAuthority
    counter: Counter
    actor: Actor
    card_maker: CardMaker
    now: datetime = field(repr=False)


@asynccontextmanager
async def open_authority_session(
    dependencies: CommandDependencies,
) -> AsyncIterator[AuthoritySession]:
    """Keep the authority open while the block runs.

    :raises SettingsError: for a wrong setting.
    :raises KeyFileError: for a key file that cannot be used.
    :raises DatabaseOutdatedError: when the operator has to upgrade the database first.
    :raises WrongKeyFileError: when the key file is not the one the database was made with.
    """
    opening = open_database_session(dependencies.settings(), dependencies.clock())
    async with opening as opened:
        settings, database, now = opened.settings, opened.database, opened.now
        hasher = dependencies.hasher()
        try:
            issuer = await dependencies.open_issuer(settings, database, now)
            files = AuthorityFiles.in_folder(settings.data_dir)
            authority = EmbeddedAuthority(
                database, opened.keys, files, issuer, hasher, dependencies.generate_key
            )
            await authority.start(now)
            counter = Counter(authority, opened.actor)
            card_maker = dependencies.card_maker
            yield AuthoritySession(settings, authority, counter, opened.actor, card_maker, now)
        finally:
            hasher.close()
