"""The file of a backup: whole, readable by others, and refused where it is damaged."""

import asyncio
import shutil
import sqlite3
import stat
import subprocess
import tarfile
from contextlib import closing, suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from services.backup.archive import MANIFEST, SUMS, BackupArchive
from services.backup.errors import BackupError, BackupProblem
from tests.bot.backup.conftest import BackupMachine, only_sqlite

_P = BackupProblem


async def test_a_backup_is_a_file_that_common_programs_read(
    machine: BackupMachine, tmp_path: Path
) -> None:
    for backup in await machine.backs_up():
        assert stat.S_IMODE(Path(backup).stat().st_mode) == 0o600
        assert stat.S_IMODE(Path(backup).parent.stat().st_mode) == 0o700
        for command in (["tar", "xf", backup], ["sha256sum", "--check", "--strict", SUMS]):
            await asyncio.to_thread(subprocess.run, command, cwd=tmp_path, check=True)


async def test_database_and_keys_are_apart_and_nothing_else_is_in_either(
    machine: BackupMachine,
) -> None:
    (machine.data / "cards").mkdir()
    (machine.data / "cards" / "somebody.json").write_text("{}")
    await machine.registry.holder(1)
    await machine.registry.publish()
    assert (machine.data / "record-keys.bin").exists()
    names = []
    for backup in await machine.backs_up():
        with tarfile.open(backup) as tar:
            names.append(tar.getnames())
    is_sqlite = machine.registry.world.database.is_sqlite
    assert names == [
        [MANIFEST, "database.sqlite" if is_sqlite else "database.dump", SUMS],
        [MANIFEST, "keys.json", "ca.json", SUMS],
    ]


@only_sqlite
@pytest.mark.parametrize("keys", ["db", "db/keys", "", "link"])
async def test_database_and_keys_refuse_one_folder(machine: BackupMachine, keys: str) -> None:
    (machine.backups / "db").mkdir(parents=True)
    (machine.backups / "link").symlink_to("db")
    where = ("--database", str(machine.backups / "db"), "--keys", str(machine.backups / keys))
    done = await machine.asks("backup", "create", *where, status=1)
    assert (done["error"], done["problem"]) == ("backup", "same_folder")
    assert list((machine.backups / "db").iterdir()) == []


@only_sqlite
async def test_one_kind_is_not_put_beside_the_other_later_either(machine: BackupMachine) -> None:
    database, keys = (str(Path(each).parent) for each in await machine.backs_up())
    for where in (("--keys", database), ("--database", keys), ("--database", str(machine.data))):
        done = await machine.asks("backup", "create", *where, status=1)
        assert done["problem"] == "same_folder"


@only_sqlite
async def test_a_file_that_was_cut_or_changed_is_refused(
    machine: BackupMachine, tmp_path: Path
) -> None:
    database, keys = await machine.backs_up()
    for backup in (Path(database), Path(keys)):
        whole = backup.read_bytes()
        end = whole.rindex(b"\n") + 1  # what follows is padding
        damaged, intact = tmp_path / "damaged.tar", _extract(backup, tmp_path)
        for cut in (0, 1, 511, 512, 700, 1500, end // 2, end - 1100, end - 1):
            damaged.write_bytes(whole[:cut])
            with pytest.raises(BackupError) as refused:
                _extract(damaged, tmp_path)
            assert refused.value.problem in (_P.CUT_OFF, _P.NOT_A_BACKUP, _P.DAMAGED), cut
        for place in range(0, end, max(1, end // 50)):
            damaged.write_bytes(_flip(whole, place))
            with suppress(BackupError):  # a change in the padding between members changes nothing
                assert _extract(damaged, tmp_path) == intact, place


def _flip(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :]


def _extract(path: Path, tmp_path: Path) -> dict[str, bytes]:
    folder = tmp_path / "extracted"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    files = BackupArchive.open(path).extract(folder, lambda *_: None)
    return {name: file.read_bytes() for name, file in files.items()}


@only_sqlite
@pytest.mark.parametrize("name", ["../evil", "/etc/evil", ".hidden", "a b"])
async def test_a_member_never_leaves_its_folder(
    machine: BackupMachine, tmp_path: Path, name: str
) -> None:
    database, _ = await machine.backs_up()
    forged = tmp_path / "forged.tar"
    with tarfile.open(database) as source, tarfile.open(forged, "w") as target:
        for info in source:
            info.name = name if info.name == "database.sqlite" else info.name
            target.addfile(info, source.extractfile(info))
    with pytest.raises(BackupError) as refused:
        _extract(forged, tmp_path)
    assert refused.value.problem is _P.NOT_A_BACKUP
    assert {path.name for path in tmp_path.iterdir()} == {"forged.tar", "extracted"}


@only_sqlite
async def test_a_backup_holds_one_moment_while_others_write(machine: BackupMachine) -> None:
    path = machine.registry.world.database.url.database
    assert path is not None
    stop = Event()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE pairs (a INTEGER, b INTEGER)")
        database.commit()

    def write() -> None:
        with closing(sqlite3.connect(path, timeout=30)) as database:
            number = 0
            while not stop.is_set():
                number += 1
                database.execute("INSERT INTO pairs VALUES (?, ?)", (number, 0))
                database.execute("UPDATE pairs SET b = ? WHERE a = ?", (number, number))
                database.commit()

    writing = Thread(target=write)
    writing.start()
    try:
        made = [await machine.asks("backup", "create", "--database", str(machine.backups / f"{n}"))
                for n in range(2)]  # fmt: skip
    finally:
        stop.set()
        writing.join()
    for each in made:
        folder = Path(each["database"]["path"]).parent / "extracted"
        folder.mkdir()
        files = BackupArchive.open(Path(each["database"]["path"])).extract(folder, lambda *_: None)
        with closing(sqlite3.connect(files["database.sqlite"])) as copy:
            assert copy.execute("SELECT count(*) FROM pairs WHERE a != b").fetchone() == (0,)


@only_sqlite
async def test_there_is_nothing_to_back_up(machine: BackupMachine, tmp_path: Path) -> None:
    await machine.registry.world.close()
    machine.settings = machine.settings.model_copy(
        update={"database_url": f"sqlite+aiosqlite:///{tmp_path / 'none.db'}"}
    )
    done = await machine.asks("backup", "create", "--database", str(machine.backups), status=1)
    assert done["problem"] == "no_database"
    assert not (tmp_path / "none.db").exists()


@only_sqlite
async def test_a_changed_audit_in_a_backup_is_found(machine: BackupMachine, tmp_path: Path) -> None:
    await machine.registry.holder(1)
    path = machine.registry.world.database.url.database
    assert path is not None
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE audit_entries SET actor = 'nobody' WHERE number = 2")
        database.commit()
    done = await machine.asks("backup", "create", "--database", str(machine.backups), status=1)
    audit = done["database"]["audit"]
    assert (done["database"]["ok"], audit["fault"], audit["number"]) == (False, "altered", 2)


async def test_a_backup_says_whether_the_keys_open_it(
    machine: BackupMachine, tmp_path: Path
) -> None:
    await machine.registry.holder(1)
    database, keys = await machine.backs_up()
    with_keys = (await machine.asks("backup", "verify", database, keys))["database"]
    assert (with_keys["ok"], with_keys["missing_keys"]) == (True, [])
    assert with_keys["audit"]["fault"] is None
    assert with_keys["rows"]["subscribers"] == 1
    machine.settings = machine.settings.model_copy(update={"data_dir": tmp_path})
    without = (await machine.asks("backup", "verify", database))["database"]
    assert (without["ok"], without["missing_keys"], without["audit"]) == (True, None, None)
    said = (await machine.types("backup", "verify", database)).output
    assert "give the backup of the keys as well" in said
