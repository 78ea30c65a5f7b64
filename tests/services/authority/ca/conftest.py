"""An authority of its own for each test, on each kind of database; its key is made once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from shutil import copy

import pytest

from services.authority.ca import ca_key_file
from services.authority.ca.ca_certificate import CaSigner
from services.storage.database import Database
from tests.services.authority.ca.ca_harness import PASSPHRASE, CaHarness, new_ca
from tests.services.authority.conftest import MakeUrl


@pytest.fixture
def now() -> datetime:
    """The real moment, since OpenSSL goes by the clock of the machine."""
    return datetime.now(UTC)


@pytest.fixture(scope="session")
def ca_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key file, made when the tests begin."""
    path = tmp_path_factory.mktemp("ca") / "ca.json"
    new_ca(path, datetime.now(UTC))
    return path


@pytest.fixture(scope="session")
def identity(ca_file: Path) -> CaSigner:
    """The authority whose key that is."""
    return ca_key_file.load_key_file(ca_file, PASSPHRASE)


@pytest.fixture
async def database(make_url: MakeUrl, folder: Path) -> AsyncIterator[Database]:
    database = Database(await make_url(folder))
    yield database
    await database.close()


@pytest.fixture
async def world(database: Database, ca_file: Path, folder: Path, now: datetime) -> CaHarness:
    copy(ca_file, folder / "ca.json")
    return await CaHarness.open(database, folder, now)
