"""Migrations: bring a database to the shape the models describe."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from services.storage.database import Database


class DatabaseOutdatedError(Exception):
    """The database has another shape than this version needs.

    :ivar found: its revision, `None` where it is empty.
    :ivar wanted: the revision this version needs.
    """

    def __init__(self, found: str | None, wanted: str) -> None:
        super().__init__(f"database is at {found or 'no revision'}, {wanted} is needed")
        self.found = found
        self.wanted = wanted


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def newest() -> str:
    """Give the revision this version needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def _found(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def upgrade(database: Database) -> str:
    """Bring `database` to the newest revision and give it; does nothing when it is there."""
    async with database.engine.begin() as connection:
        if await connection.run_sync(_found) != newest():
            await connection.run_sync(_upgrade)
    return newest()


async def ensure_current(database: Database) -> None:
    """Refuse to work on a database of another shape.

    :raises DatabaseOutdatedError: when `kaika db upgrade` has to run first.
    """
    async with database.engine.connect() as connection:
        found = await connection.run_sync(_found)
    if found != newest():
        raise DatabaseOutdatedError(found, newest())
