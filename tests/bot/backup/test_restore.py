"""A restore changes nothing where it is refused, and is whole on a machine that has nothing."""

import shutil
import stat
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from services.authority.ca.crl import SKIPPED_NUMBERS
from services.storage import keys as key_rings
from services.storage.database import Database
from services.storage.ownership import own_briefly
from tests.bot.backup.conftest import BackupMachine, make_settings, only_sqlite
from tests.services.authority.ca.ca_harness import crl_number
from tests.services.authority.ca.registry import Registry, reasons
from tests.services.authority.postgres import PostgresServer

Replace = Callable[[], Awaitable[BackupMachine]]


@pytest.fixture
def replace_machine(
    machine: BackupMachine, folder: Path, request: pytest.FixtureRequest
) -> Replace:
    """Replace a machine by one with nothing on it."""

    async def replace() -> BackupMachine:
        await machine.registry.world.close()
        data = folder / "new"
        url = f"sqlite+aiosqlite:///{data / 'kaika.db'}"
        if not Database(machine.registry.url).is_sqlite:
            server: PostgresServer = request.getfixturevalue("postgres")
            url = server.create("kaika_restored")
        machine.registry = Registry(url, data, machine.registry.now)
        machine.settings = make_settings(url, data)
        return machine

    return replace


async def test_on_a_new_machine_everything_is_there_and_numbers_are_skipped(
    machine: BackupMachine, replace_machine: Replace
) -> None:
    someone = await machine.registry.holder(1)
    before = await machine.registry.publish()
    backups = await machine.backs_up()
    new = await replace_machine()
    new.registry.now += timedelta(minutes=1)
    done = await new.asks("backup", "restore", *backups, "--yes")
    assert {Path(each).name for each in done["keys"]} == {"keys.json", "ca.json"}
    assert (done["aside"], done["published"], done["skipped_numbers"]) == (None, None, True)
    assert done["look_through"]["from"] < done["look_through"]["until"]
    for path in new.data.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert await new.registry.start() is None
    assert await new.registry.state(someone) == "active"
    assert crl_number(await new.registry.publish()) > crl_number(before) + SKIPPED_NUMBERS
    assert (await new.asks("audit", "verify"))["ok"]


async def test_the_last_list_from_elsewhere_puts_back_what_was_published(
    machine: BackupMachine, replace_machine: Replace, tmp_path: Path
) -> None:
    someone = await machine.registry.holder(1)
    await machine.registry.publish()
    backups = await machine.backs_up()
    await someone.suspends(machine.registry.now)
    serials = await machine.registry.serials(someone)
    before = await machine.registry.publish()
    last_list = tmp_path / "kaika.crl"
    last_list.write_bytes(before.public_bytes(Encoding.PEM))
    new = await replace_machine()
    words = ("backup", "restore", *backups, "--last-list", str(last_list))
    said = (await new.types(*words, given="y\n")).output
    assert "Suspended again" in said
    assert f"Revocation lists go on after number {crl_number(before)}." in said
    assert "is not in it." in said
    assert await new.registry.start() is None
    after = await new.registry.publish()
    assert crl_number(after) == crl_number(before) + 1
    assert reasons(after, serials) == reasons(before, serials)


@pytest.mark.parametrize("problem", ["not_empty", "in_use"])
async def test_a_restore_that_is_refused_changes_nothing(
    machine: BackupMachine, problem: str
) -> None:
    await machine.registry.holder(1)
    backups = await machine.backs_up()
    await machine.registry.world.close()
    before = machine.contents()
    database = Database(machine.registry.url)
    options = ("--yes",) if problem == "not_empty" else ("--yes", "--replace")
    async with own_briefly(database):
        done = await machine.asks("backup", "restore", *backups, *options, status=1)
    await database.close()
    assert (done["error"], done["problem"]) == ("backup", problem)
    assert machine.contents() == before


@only_sqlite
async def test_keys_that_do_not_open_the_database_are_refused(
    machine: BackupMachine, tmp_path: Path
) -> None:
    database, keys = await machine.backs_up()
    other = tmp_path / "other"
    key_rings.load_or_create(other / "keys.json")
    machine.settings = machine.settings.model_copy(update={"data_dir": other})
    empty = f"sqlite+aiosqlite:///{other / 'kaika.db'}"
    machine.settings = machine.settings.model_copy(update={"database_url": empty})
    done = await machine.asks("backup", "restore", database, "--yes", status=1)
    assert done["problem"] == "keys_do_not_fit"
    done = await machine.asks("backup", "restore", database, keys, "--yes", status=1)
    assert done["problem"] == "keys_in_place"
    assert {path.name for path in other.iterdir()} == {"keys.json"}
    done = await machine.asks("backup", "restore", database, keys, "--yes", "--replace")
    (moved,) = other.glob("before-restore-*")
    assert {path.name for path in moved.iterdir()} == {"keys.json"}


@only_sqlite
async def test_a_bot_that_guides_is_backed_up_and_restored_too(
    machine: BackupMachine, migrated_file: Path, tmp_path: Path
) -> None:
    data = tmp_path / "guide"
    key_rings.load_or_create(data / "keys.json")
    shutil.copy(migrated_file, data / "kaika.db")
    update = {"data_dir": data, "database_url": None, "authority": "guide"}
    machine.settings = machine.settings.model_copy(update=update)
    database, keys = await machine.backs_up()
    done = await machine.asks("backup", "restore", database, keys, "--yes", "--replace")
    assert (done["published"], done["keys"]) == (None, [])
    names = {path.name for path in data.iterdir() if not path.name.startswith("before-restore")}
    assert names - {"kaika.db.lock", "kaika.db-wal", "kaika.db-shm"} == {"kaika.db", "keys.json"}
