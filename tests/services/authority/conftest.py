"""The databases the authority is tested on: SQLite, and a PostgreSQL server of our own."""

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.settings import Settings
from services.storage.database import Base, Database
from tests.services.authority.authority_harness import NOW, UNHURRIED, AuthorityHarness, fast_folder
from tests.services.authority.command_line import Terminal
from tests.services.authority.postgres import TEST_DATABASE, PostgresServer

DATABASES = ("sqlite", "postgresql")
MakeUrl = Callable[[Path], Coroutine[Any, Any, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for the database and the files beside it, in memory where that is possible."""
    memory = fast_folder()
    if memory is None:
        yield tmp_path
        return
    path = memory / f"kaika-{uuid.uuid4().hex}"
    path.mkdir()
    yield path
    shutil.rmtree(path)


@pytest.fixture(params=DATABASES)
def make_url(request: pytest.FixtureRequest) -> MakeUrl:
    """Make a fresh database and give its address; once for each kind of database."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("migrated_file")
        return lambda folder: _copied(template, folder)
    server: PostgresServer = request.getfixturevalue("postgres")
    return lambda _: _emptied(server.url(TEST_DATABASE))


async def _copied(template: Path, folder: Path) -> str:
    path = folder / f"{uuid.uuid4().hex}.db"
    await asyncio.to_thread(shutil.copy, template, path)
    return f"sqlite+aiosqlite:///{path}"


async def _emptied(url: str) -> str:
    """Empty the one database that the tests share on the server: quicker than making one each."""
    database = Database(url, UNHURRIED)
    async with database.unit_of_work() as session:
        for table in reversed(Base.metadata.sorted_tables):
            await session.execute(table.delete())
    await database.close()
    return url


@pytest.fixture
async def world(make_url: MakeUrl, folder: Path) -> AsyncIterator[AuthorityHarness]:
    """An authority of its own, on each kind of database."""
    world = AuthorityHarness(await make_url(folder), folder)
    await world.authority.start(NOW)
    yield world
    await world.close()


@pytest.fixture
def server(request: pytest.FixtureRequest, world: AuthorityHarness) -> PostgresServer | None:
    """The server that the test's world is on, where it is on one."""
    if world.database.is_sqlite:
        return None
    found: PostgresServer = request.getfixturevalue("postgres")
    return found


@pytest.fixture
def terminal(tmp_path: Path, migrated_file: Path) -> Terminal:
    shutil.copy(migrated_file, tmp_path / "kaika.db")
    return Terminal(Settings(data_dir=tmp_path, _env_file=None))
