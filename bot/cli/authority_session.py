"""Opening the embedded authority for a command."""

import getpass
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot import logs
from bot import settings as settings_module
from bot.settings import Settings
from bot.wiring import embedded
from services.authority.embedded.audit import Actor
from services.authority.embedded.authority import AuthorityFiles, EmbeddedAuthority
from services.authority.embedded.certificates.issuing import CardKey, generate_rsa_2048
from services.authority.embedded.counter import Counter
from services.authority.embedded.credentials.hashing import Argon2Hasher
from services.authority.interface.cards import CardMaker
from services.authority.interface.certificates import CertificateIssuer
from services.clock import ClockReading
from services.clock_record import read_last_moment
from services.storage.database import Database
from services.storage.key_fingerprints import open_database
from services.storage.keys import load_or_create

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
    settings, now = dependencies.settings(), dependencies.clock()
    logs.configure(settings.log_level, settings.log_format, settings.secrets())
    keys = load_or_create(settings.key_file)
    database = Database(settings.database)
    hasher = dependencies.hasher()
    try:
        await open_database(database, keys)
        issuer = await dependencies.open_issuer(settings, database, now)
        files = AuthorityFiles.in_folder(settings.data_dir)
        authority = EmbeddedAuthority(
            database, keys, files, issuer, hasher, dependencies.generate_key
        )
        await authority.start(now)
        now = await _read_clocks(database, now)
        actor = Actor.at_counter(getpass.getuser())
        yield AuthoritySession(
            settings, authority, Counter(authority, actor), actor, dependencies.card_maker, now
        )
    finally:
        hasher.close()
        await database.close()


async def _read_clocks(database: Database, now: datetime) -> datetime:
    """Return the moment with the steady time of the bot, which a new process cannot read.

    It is what the bot recorded last, so that what a command wants at once is due for the bot.
    """
    async with database.unit_of_work() as session:
        last = await read_last_moment(session)
    return now if last is None else ClockReading.of(now, min(now, last))
