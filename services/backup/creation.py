"""Making backups: one file of the database, another of the keys, in folders apart."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

from sqlalchemy import URL

from services.backup.archive import BackupKind, BackupManifest, write_archive
from services.backup.errors import BackupError, BackupProblem
from services.backup.inspection import MEMBERS, POSTGRESQL, SQLITE, inspect_database, open_content
from services.backup.postgresql_dump import dump_database
from services.backup.progress import OnProgress
from services.backup.sqlite_copy import copy_database
from services.storage import private_files

KEY_FILE, CA_KEY_FILE = "keys.json", "ca.json"
KEY_FILES = (KEY_FILE, CA_KEY_FILE)


@dataclass(frozen=True)
class CreatedBackup:
    """A backup that was made."""

    path: Path
    size: int
    manifest: BackupManifest


def check_folders(database: Path | None, keys: Path | None, key_file: Path) -> None:
    """Check that database and keys lie apart.

    Also from those of earlier backups, and from the keys in use.

    :raises BackupError: where one folder is the other, or lies within it.
    """
    if database is not None and keys is not None:
        one, other = database.resolve(), keys.resolve()
        if one == other or one in other.parents or other in one.parents:
            raise BackupError(BackupProblem.SAME_FOLDER, keys)
    if database is not None and database.resolve() == key_file.parent.resolve():
        raise BackupError(BackupProblem.SAME_FOLDER, database)
    for folder, other_kind in ((database, BackupKind.KEYS), (keys, BackupKind.DATABASE)):
        if folder is not None and any(folder.glob(f"{_prefix(other_kind)}*")):
            raise BackupError(BackupProblem.SAME_FOLDER, folder)


def create_database_backup(
    url: URL, folder: Path, version: str, now: datetime, on_progress: OnProgress
) -> CreatedBackup:
    """Back the database up, while it is in use.

    :raises BackupError: where there is none, it is damaged, or a program fails.
    """
    engine = SQLITE if url.get_backend_name() == SQLITE else POSTGRESQL
    path = _path(folder, BackupKind.DATABASE, now)
    private_files.make_folder(folder)
    with private_folder(folder) as scratch:
        copy = scratch / MEMBERS[engine]
        if engine == SQLITE:
            copy_database(Path(url.database or ""), copy, on_progress)
        else:
            dump_database(url, copy, on_progress)
        found = inspect_database(open_content(engine, copy), copy, on_progress)
        manifest = BackupManifest(
            BackupKind.DATABASE,
            now,
            version,
            engine,
            found.revision,
            found.rows,
            found.audit_entries,
            found.list_number,
        )
        write_archive(path, manifest, {MEMBERS[engine]: copy}, on_progress)
    return CreatedBackup(path, path.stat().st_size, manifest)


def create_key_backup(
    files: Mapping[str, Path], folder: Path, version: str, now: datetime, on_progress: OnProgress
) -> CreatedBackup:
    """Back the key files up that there are.

    :raises BackupError: where there is no `KEY_FILE`.
    """
    present = {name: file for name, file in files.items() if file.is_file()}
    if KEY_FILE not in present:
        raise BackupError(BackupProblem.KEYS_MISSING, files[KEY_FILE])
    path = _path(folder, BackupKind.KEYS, now)
    private_files.make_folder(folder)
    manifest = BackupManifest(BackupKind.KEYS, now, version)
    write_archive(path, manifest, present, on_progress)
    return CreatedBackup(path, path.stat().st_size, manifest)


@contextmanager
def private_folder(beside: Path) -> Iterator[Path]:
    """Make a folder within another that nobody else can enter, and delete it at the end."""
    folder = Path(mkdtemp(prefix=".kaika-backup-", dir=beside))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _path(folder: Path, kind: BackupKind, now: datetime) -> Path:
    return folder / f"{_prefix(kind)}{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.tar"


def _prefix(kind: BackupKind) -> str:
    return f"kaika-{kind}-"
