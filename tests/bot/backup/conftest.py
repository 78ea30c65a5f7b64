"""An authority on each kind of database, and a terminal with `kaika backup`."""

import asyncio
import hashlib
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import inspect
from typer.testing import CliRunner, Result

from bot.cli.authority_session import CommandDependencies
from bot.settings import Settings
from services.backup.postgresql_dump import ASIDE
from services.storage.database import Database
from services.storage.key_fingerprints import open_database
from tests.services.authority.ca.ca_harness import PASSPHRASE, new_ca
from tests.services.authority.ca.registry import Registry
from tests.services.authority.command_line import app
from tests.services.authority.conftest import MakeUrl, folder, make_url

__all__ = ["folder", "make_url"]


@pytest.fixture(scope="session")
def ca_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key file of a certificate authority, made once."""
    path = tmp_path_factory.mktemp("ca") / "ca.json"
    new_ca(path, datetime.now(UTC) - timedelta(days=1))
    return path


@dataclass
class BackupMachine:
    """A machine with a data folder, and places for backups.

    :ivar registry: the authority that runs on it.
    """

    registry: Registry
    settings: Settings
    backups: Path

    @property
    def data(self) -> Path:
        return self.settings.data_dir

    async def types(self, *words: str, given: str | None = None) -> Result:
        """Type a command of `kaika`, and answer what it asks."""
        parts = CommandDependencies(settings=lambda: self.settings, clock=lambda: self.registry.now)
        environment = {"COLUMNS": "300"}
        runner = CliRunner()
        return await asyncio.to_thread(
            runner.invoke, app, words, obj=parts, env=environment, input=given
        )

    async def asks(self, *words: str, status: int = 0) -> Any:
        """Type a command with ``--json``, and return what it prints."""
        done = await self.types(*words, "--json")
        assert done.exit_code == status, done.output + str(done.exception)
        return json.loads(done.stdout)

    async def backs_up(self) -> tuple[str, str]:
        """Back up database and keys, and return both files."""
        where = ("--database", str(self.backups / "db"), "--keys", str(self.backups / "keys"))
        made = await self.asks("backup", "create", *where)
        return made["database"]["path"], made["keys"]["path"]

    def contents(self) -> Mapping[str, str]:
        """Return the checksum of everything in the data folder but locks and journals."""
        return {
            str(path.relative_to(self.data)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.data.rglob("*"))
            if path.is_file() and not path.name.endswith((".lock", "-shm", "-wal"))
        }


def make_settings(url: str, data_dir: Path) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=data_dir,
        database_url=url,
        authority="embedded",
        ca_passphrase=SecretStr(PASSPHRASE.reveal()),
        public_url="http://certificates.test",
    )


@pytest.fixture
async def machine(make_url: MakeUrl, folder: Path, ca_file: Path) -> AsyncIterator[BackupMachine]:
    """A machine whose authority is on each kind of database."""
    data = folder / "data"
    data.mkdir(mode=0o700)
    shutil.copy(ca_file, data / "ca.json")
    url = await make_url(data)
    registry = Registry(url, data, datetime.now(UTC) - timedelta(hours=1))
    await registry.start()
    await open_database(registry.world.database, registry.world.keys)
    machine = BackupMachine(registry, make_settings(url, data), folder / "backups")
    yield machine
    if hasattr(machine.registry, "world"):  # it may not have been started again
        await machine.registry.world.close()
    await _drop_what_was_moved_aside(url)


async def _drop_what_was_moved_aside(url: str) -> None:
    """Leave nothing in the database that the tests share on a server."""
    database = Database(url)
    if not database.is_sqlite:
        async with database.engine.begin() as connection:
            schemas = await connection.run_sync(lambda sync: inspect(sync).get_schema_names())
            for schema in schemas:
                if schema.startswith(ASIDE):
                    await connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
    await database.close()


only_sqlite = pytest.mark.parametrize("make_url", ["sqlite"], indirect=True)
