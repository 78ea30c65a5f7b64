"""Fingerprints of the keys that a database was made with, so that no other key file is used.

A process registers the keys that it uses before it seals or hashes anything. A key file has to
hold every registered key, and may hold more, so that the newest file also opens older backups.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from sqlalchemy import Connection, String, delete, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.database import Base, Database, insert_or_ignore
from services.storage.keys import KeyRing, key_name, load
from services.storage.models import DatabaseFact
from services.storage.upgrade import ensure_current, upgrade

OLD_FACT, OLD_KEY = "key_file", "secret lookup"
"""The fact that contained the fingerprint of one secret before there was a table."""


class KeyFingerprint(Base):
    """A key or secret that the database was made with."""

    __tablename__ = "key_fingerprints"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))


class WrongKeyFileError(Exception):
    """The key file lacks keys that the database was made with.

    :ivar missing: their names, as in `KeyRing.fingerprints`.
    """

    def __init__(self, path: Path, missing: tuple[str, ...]) -> None:
        super().__init__(f"key file {path} lacks {', '.join(missing)}")
        self.path = path
        self.missing = missing


async def open_database(database: Database, keys: KeyRing) -> None:
    """Bring a database up to date, where it is SQLite, and register the keys.

    Called once by every process that writes, before anything else. Where the key file is not the
    one of this database, nothing is changed.

    :raises WrongKeyFileError: when the key file is not the one of this database.
    :raises DatabaseOutdatedError: when the operator has to upgrade the database first.
    """
    await check_database(database, keys)
    if database.is_sqlite:
        await upgrade(database)
    keys.add_missing_secrets()
    try:
        async with database.unit_of_work() as session:
            await register_keys(session, keys)
    except WrongKeyFileError:
        keys.delete_if_new()
        raise


async def check_database(database: Database, keys: KeyRing) -> None:
    """Check that this process may work on a database, without changing anything.

    :raises WrongKeyFileError: when the key file is not the one of this database.
    :raises DatabaseOutdatedError: when the operator has to upgrade the database first.
    """
    try:
        compare_fingerprints(await _read_fingerprints(database), keys)
    except WrongKeyFileError:
        keys.delete_if_new()
        raise
    if not database.is_sqlite:
        await ensure_current(database)


async def upgrade_database(database: Database, key_file: Path) -> str:
    """Upgrade a database to the newest revision if needed, and return that revision.

    :raises WrongKeyFileError: when the key file is not the one of this database.
    """
    await check_key_file(database, key_file)
    return await upgrade(database)


async def check_key_file(database: Database, path: Path) -> None:
    """Check the key file of a database, which may have any revision, without changing either.

    :raises WrongKeyFileError: when the key file is not the one of this database.
    """
    registered = await _read_fingerprints(database)
    if registered:
        compare_fingerprints(registered, load_keys(path))


async def register_keys(session: AsyncSession, keys: KeyRing) -> None:
    """Register every key and secret of the key file that is not registered.

    :raises WrongKeyFileError: when another process has registered others.
    """
    present = keys.fingerprints()
    rows = [{"name": name, "fingerprint": value} for name, value in present.items()]
    await session.execute(insert_or_ignore(session, KeyFingerprint), rows)
    found = await session.execute(select(KeyFingerprint.name, KeyFingerprint.fingerprint))
    compare_fingerprints({row[0]: row[1] for row in found}, keys)


async def unregister_keys(session: AsyncSession, ids: Iterable[str]) -> None:
    """Remove sealing keys that are no longer in use."""
    names = [key_name(key_id) for key_id in ids]
    await session.execute(delete(KeyFingerprint).where(KeyFingerprint.name.in_(names)))


def load_keys(path: Path) -> KeyRing:
    """Read the key file; without one there are no keys."""
    return load(path) if path.exists() else KeyRing({}, "", path=path)


def compare_fingerprints(registered: Mapping[str, str], keys: KeyRing) -> None:
    """Check that a key ring has every registered key.

    :raises WrongKeyFileError: when it lacks one.
    """
    present = keys.fingerprints()
    missing = [name for name, value in registered.items() if present.get(name) != value]
    if missing:
        raise WrongKeyFileError(keys.path, tuple(sorted(missing)))


async def _read_fingerprints(database: Database) -> Mapping[str, str]:
    async with database.engine.connect() as connection:
        return await connection.run_sync(_select_fingerprints)


def _select_fingerprints(connection: Connection) -> Mapping[str, str]:
    tables = inspect(connection)
    if tables.has_table(KeyFingerprint.__tablename__):
        rows = connection.execute(select(KeyFingerprint.name, KeyFingerprint.fingerprint))
        return {row[0]: row[1] for row in rows}
    if not tables.has_table(DatabaseFact.__tablename__):
        return {}
    old = select(DatabaseFact.value).where(DatabaseFact.name == OLD_FACT)
    value = connection.execute(old).scalar_one_or_none()
    return {} if value is None else {OLD_KEY: value}
