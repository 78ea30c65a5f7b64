"""Opening the database for a command, with the keys that it was made with."""

import getpass
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot import logs
from bot.settings import Settings
from services.authority.embedded.audit import Actor, Audit, AuditHeadFile
from services.authority.embedded.authority import AuthorityFiles
from services.clock import ClockReading
from services.clock_record import read_last_moment
from services.storage.database import Database
from services.storage.key_fingerprints import open_database
from services.storage.keys import KeyRing, SecretPurpose, load_or_create


@dataclass(frozen=True)
class DatabaseSession:
    """An open database for the length of one command."""

    settings: Settings
    keys: KeyRing
    database: Database
    actor: Actor
    now: datetime = field(repr=False)

    async def open_audit(self, session: AsyncSession) -> Audit:
        """Return the audit, which every database has."""
        path = AuthorityFiles.in_folder(self.settings.data_dir).audit_head
        audit = Audit(self.keys, AuditHeadFile(path, self.keys.secret(SecretPurpose.AUDIT)))
        await audit.initialize(session)
        return audit


@asynccontextmanager
async def open_database_session(
    settings: Settings, now: datetime
) -> AsyncIterator[DatabaseSession]:
    """Keep the database open while the block runs.

    :raises KeyFileError: for a key file that cannot be used.
    :raises DatabaseOutdatedError: when the operator has to upgrade the database first.
    :raises WrongKeyFileError: when the key file is not the one the database was made with.
    """
    logs.configure(settings.log_level, settings.log_format, settings.secrets())
    keys = load_or_create(settings.key_file)
    database = Database(settings.database)
    try:
        await open_database(database, keys)
        now = await _read_clocks(database, now)
        yield DatabaseSession(settings, keys, database, Actor.at_counter(getpass.getuser()), now)
    finally:
        await database.close()


async def _read_clocks(database: Database, now: datetime) -> datetime:
    """Return the moment with the steady time of the bot, which a new process cannot read.

    It is what the bot recorded last, so that what a command wants immediately is due for the bot.
    """
    async with database.unit_of_work() as session:
        last = await read_last_moment(session)
    return now if last is None else ClockReading.of(now, min(now, last))
