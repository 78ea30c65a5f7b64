"""A process starts only with the keys that its database was made with."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, inspect, select, text

from services.messaging.inbox import Inbox
from services.storage import key_file, keys
from services.storage import upgrade as upgrades
from services.storage.database import Database
from services.storage.key_fingerprints import (
    KeyFingerprint,
    WrongKeyFileError,
    check_key_file,
    open_database,
    register_keys,
    unregister_keys,
    upgrade_database,
)
from services.storage.keys import KeyFileError, KeyRing, SecretPurpose
from tests.services.authority.conftest import MakeUrl
from tests.strict_supervisor import strict_supervisor


@pytest.fixture
async def database(make_url: MakeUrl, tmp_path: Path) -> AsyncIterator[Database]:
    """A database that was opened with the key file `ours.json`."""
    database = Database(await make_url(tmp_path))
    await open_database(database, keys.load_or_create(tmp_path / "ours.json"))
    yield database
    await database.close()


async def registered(database: Database) -> dict[str, str]:
    """Return the registered fingerprints."""
    async with database.unit_of_work() as session:
        rows = await session.execute(select(KeyFingerprint.name, KeyFingerprint.fingerprint))
        return {row[0]: row[1] for row in rows}


async def test_every_secret_and_the_key_in_use_are_registered(
    database: Database, tmp_path: Path
) -> None:
    found = await registered(database)
    assert set(found) == {"key k1", *(f"secret {purpose}" for purpose in SecretPurpose)}
    content = (tmp_path / "ours.json").read_text()
    assert not any(value in content for value in found.values())


async def test_a_second_machine_with_keys_of_its_own_changes_nothing(
    database: Database, tmp_path: Path
) -> None:
    before = await registered(database)
    theirs = tmp_path / "theirs.json"
    with pytest.raises(WrongKeyFileError) as refused:
        await open_database(database, keys.load_or_create(theirs))
    assert (refused.value.path, set(refused.value.missing)) == (theirs, set(before))
    assert not theirs.exists(), "one that was made in the attempt is in nobody's way"
    keys.load_or_create(theirs)
    content = theirs.read_bytes()
    for check in (
        lambda: open_database(database, keys.load_or_create(theirs)),
        lambda: check_key_file(database, theirs),
        lambda: upgrade_database(database, theirs),
    ):
        with pytest.raises(WrongKeyFileError):
            await check()
    assert theirs.read_bytes() == content, "somebody else's is left alone"
    assert await registered(database) == before


async def test_of_two_machines_that_begin_at_the_same_time_one_is_refused(
    make_url: MakeUrl, tmp_path: Path
) -> None:
    url = await make_url(tmp_path)
    machines = [Database(url), Database(url)]
    rings = [keys.load_or_create(tmp_path / name) for name in ("a.json", "b.json")]
    opening = map(open_database, machines, rings)
    ended = await asyncio.gather(*opening, return_exceptions=True)
    assert sorted(map(type, ended), key=str) == sorted([type(None), WrongKeyFileError], key=str)
    winner = rings[ended.index(None)]
    assert await registered(machines[0]) == winner.fingerprints()
    for machine in machines:
        await machine.close()


async def test_a_newer_key_file_opens_an_older_backup_and_not_the_other_way_round(
    database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "ours.json"
    old = path.read_bytes()
    newer = keys.add_key(path)
    await open_database(database, newer)
    path.write_bytes(old)
    with pytest.raises(WrongKeyFileError) as refused:
        await open_database(database, keys.load_or_create(path))
    assert refused.value.missing == ("key k2",)


async def _add_to_the_file(_: Database, path: Path) -> None:
    keys.add_key(path)


async def _register(database: Database, path: Path) -> None:
    ring = keys.add_key(path)
    async with database.unit_of_work() as session:
        await register_keys(session, ring)


async def _unregister(database: Database, path: Path) -> None:
    await _register(database, path)
    async with database.unit_of_work() as session:
        await unregister_keys(session, ["k1"])


@pytest.mark.parametrize("rotate_a_part", [_add_to_the_file, _register, _unregister])
async def test_a_rotation_that_was_cut_off_leaves_a_database_that_opens(
    database: Database, tmp_path: Path, rotate_a_part: Callable[[Database, Path], Any]
) -> None:
    path = tmp_path / "ours.json"
    await rotate_a_part(database, path)
    await open_database(database, keys.load_or_create(path))
    assert "key k2" in await registered(database)


async def test_a_lost_secret_is_not_replaced_by_a_new_one(
    database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "ours.json"
    content = json.loads(path.read_text())
    del content["secrets"]["pepper"]
    path.write_text(json.dumps(content))
    before = path.read_bytes()
    with pytest.raises(WrongKeyFileError) as refused:
        await open_database(database, keys.load_or_create(path))
    assert refused.value.missing == ("secret pepper",)
    assert path.read_bytes() == before


async def test_a_secret_for_a_new_purpose_is_added_and_registered(
    make_url: MakeUrl, tmp_path: Path
) -> None:
    path = tmp_path / "ours.json"
    key_file.create_key_file(path, key_file.KeyFileContent.generate(["lookup"]))
    database = Database(await make_url(tmp_path))
    await open_database(database, keys.load_or_create(path))
    assert await registered(database) == keys.load(path).fingerprints()
    assert "secret pepper" in await registered(database)
    await database.close()


async def test_a_key_file_that_is_swapped_while_the_bot_runs_fails_nothing(
    database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "ours.json"
    ring = keys.load_or_create(path)
    inbox = Inbox(database, ring)
    async with inbox.running(strict_supervisor()):
        await inbox.store([{"update_id": n} for n in range(1, 49)])
    rotated = keys.add_key(path)
    inbox = Inbox(database, rotated)
    async with inbox.running(strict_supervisor()):
        await inbox.store([{"update_id": 49}])
    path.unlink()
    keys.load_or_create(path)
    with pytest.raises(KeyFileError):
        ring.unseal(rotated.seal(b"x", "place"), "place")
    assert ring.current == "k1"
    assert len(await Inbox(database, ring).load_unfinished()) == 48
    assert await inbox.count_by_state() == {"new": 49, "done": 0, "failed": 0}


async def test_a_database_of_an_older_version_is_checked_before_it_is_upgraded(
    tmp_path: Path,
) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'kaika.db'}")
    ours = keys.load_or_create(tmp_path / "ours.json")
    mark = ours.keyed_hash(SecretPurpose.LOOKUP, "key_file").hex()
    async with database.engine.begin() as connection:
        await connection.run_sync(_upgrade_to, "0008")
        fact = text("INSERT INTO facts (name, value) VALUES ('key_file', :mark)")
        await connection.execute(fact, {"mark": mark})
    theirs = keys.load_or_create(tmp_path / "theirs.json")
    with pytest.raises(WrongKeyFileError):
        await open_database(database, theirs)
    async with database.engine.connect() as connection:
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    assert KeyFingerprint.__tablename__ not in tables
    await open_database(database, ours)
    assert await registered(database) == ours.fingerprints()
    await database.close()


def _upgrade_to(connection: Connection, revision: str) -> None:
    config = upgrades._config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def test_a_ring_without_a_file_is_compared_too(database: Database) -> None:
    with pytest.raises(WrongKeyFileError):
        await open_database(database, KeyRing({"k1": bytes(32)}, "k1"))
