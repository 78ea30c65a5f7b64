"""Running the migrations of the database schema."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from services.storage.database import Database


class DatabaseOutdatedError(Exception):
    """The database's revision is not the one that this version needs.

    :ivar found: its revision, `None` if it is empty.
    :ivar wanted: the revision that this version needs.
    """

    def __init__(self, found: str | None, wanted: str) -> None:
        super().__init__(f"database is at {found or 'no revision'}, {wanted} is needed")
        self.found = found
        self.wanted = wanted


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


@cache
def head_revision() -> str:
    """The revision that this version needs. Its files are read once: they do not change."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def is_known_revision(revision: str) -> bool:
    """Whether this version can upgrade a database from a revision."""
    revisions = ScriptDirectory.from_config(_config()).walk_revisions("base", "heads")
    return revision in {each.revision for each in revisions}


def _current_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def upgrade(database: Database) -> str:
    """Upgrade `database` to the newest revision if needed, and return that revision."""
    async with database.unlimited_transaction() as connection:
        if await connection.run_sync(_current_revision) != head_revision():
            await connection.run_sync(_upgrade)
    return head_revision()


async def ensure_current(database: Database) -> None:
    """Check that `database` has the newest revision.

    :raises DatabaseOutdatedError: if `kaika db upgrade` has to run first.
    """
    async with database.engine.connect() as connection:
        found = await connection.run_sync(_current_revision)
    if found != head_revision():
        raise DatabaseOutdatedError(found, head_revision())
