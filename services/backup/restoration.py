"""Restoring backups: everything is checked before anything changes, and nothing is destroyed.

What was there before is moved aside: files into a folder of the data folder, the tables of a
PostgreSQL database into a schema of their own.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from sqlalchemy import URL

from services.authority.ca.crl import Crl
from services.authority.ca.models import CertificateAuthority
from services.authority.ca.published_list import parse_list
from services.authority.embedded.audit import AuditVerification
from services.backup.archive import BackupArchive, BackupKind, BackupManifest
from services.backup.content import to_bytes
from services.backup.creation import KEY_FILE, private_folder
from services.backup.errors import BackupError, BackupProblem
from services.backup.inspection import (
    POSTGRESQL,
    SQLITE,
    DatabaseInspection,
    open_content,
    verify_audit,
)
from services.backup.postgresql_dump import ASIDE, is_empty, restore_dump
from services.backup.progress import BackupStep, OnProgress
from services.backup.sqlite_copy import has_tables
from services.backup.verification import (
    extract_database,
    extract_keys,
    load_ring,
    missing_keys,
    open_archives,
)
from services.storage import private_files
from services.storage.keys import KeyRing

_JOURNALS = ("-wal", "-shm", "-journal")


@dataclass(frozen=True)
class RestoreTarget:
    """Where a backup is restored to.

    :ivar key_files: by their names in a backup.
    :ivar kept_files: what lies beside the database and in no backup, and is copied aside.
    """

    url: URL
    data_dir: Path
    key_files: Mapping[str, Path]
    kept_files: tuple[Path, ...] = ()

    @property
    def engine(self) -> str:
        """The kind of database."""
        return SQLITE if self.url.get_backend_name() == SQLITE else POSTGRESQL

    @property
    def database_file(self) -> Path:
        """The file of an SQLite database."""
        return Path(self.url.database or "")

    @property
    def folder(self) -> Path:
        """The folder for what was there, on one disk with the database."""
        return self.database_file.parent if self.engine == SQLITE else self.data_dir

    def has_database(self) -> bool:
        """Whether there is one already, with a table at least."""
        if self.engine == SQLITE:
            return has_tables(self.database_file)
        return not is_empty(self.url)


@dataclass(frozen=True)
class RestorePlan:
    """A restore of which everything was checked, and nothing was done.

    :ivar manifest: of the database's backup, `None` where only keys are restored.
    :ivar audit: what its audit is like.
    :ivar replaces_database: whether there is a database, which is moved aside.
    :ivar new_keys: the key files that are put in place, by their names; the others stay.
    :ivar aside: the name of the folder, or part of the schema's, for what was there.
    :ivar last_list: the last published revocation list, where one was given.
    """

    target: RestoreTarget
    new_keys: Mapping[str, Path]
    aside: str
    manifest: BackupManifest | None = None
    database: Path | None = None
    audit: AuditVerification | None = None
    replaces_database: bool = False
    last_list: Crl | None = None

    @property
    def made_at(self) -> datetime:
        """When the database's backup was made."""
        assert self.manifest is not None
        return self.manifest.made_at

    @property
    def has_audit(self) -> bool:
        """Whether there is an audit in the backup, as there is with an authority of our own."""
        return self.manifest is not None and bool(self.manifest.audit_entries)

    @property
    def aside_folder(self) -> Path:
        """The folder for the files that were there."""
        return self.target.folder / f"before-restore-{self.aside}"

    @property
    def aside_schema(self) -> str | None:
        """The schema for the tables that were there; `None` for SQLite."""
        is_sqlite = self.target.engine == SQLITE
        return None if is_sqlite else f"{ASIDE}{self.aside.lower()}"


@contextmanager
def prepare_restore(
    paths: list[Path],
    target: RestoreTarget,
    now: datetime,
    on_progress: OnProgress,
    last_list: Path | None = None,
    *,
    may_replace: bool = False,
) -> Iterator[RestorePlan]:
    """Check the files of a backup and where they are to go; yields what would be done.

    :param last_list: the last published revocation list.
    :param may_replace: whether a database or keys that are there may be moved aside.
    :raises BackupError: where that is not possible.
    """
    archives = open_archives(paths)
    for folder in (target.data_dir, target.folder):
        private_files.make_folder(folder)
    with private_folder(target.folder) as scratch:
        given = archives.get(BackupKind.KEYS)
        keys = extract_keys(given, scratch, on_progress) if given else {}
        archive = archives.get(BackupKind.DATABASE)
        aside = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        if archive is None:
            new = {name: path for name, path in keys.items() if not _is_same(target, name, path)}
            _check_replaced_keys(target, new, may_replace=may_replace)
            yield RestorePlan(target, new, aside)
            return
        before = RestorePlan(target, keys, aside)
        plan = _plan_database(archive, before, scratch, on_progress, may_replace=may_replace)
        yield plan if last_list is None else _with_list(plan, last_list)


def _plan_database(
    archive: BackupArchive,
    before: RestorePlan,
    scratch: Path,
    on_progress: OnProgress,
    *,
    may_replace: bool,
) -> RestorePlan:
    manifest, target = archive.manifest, before.target
    if manifest.engine != target.engine:
        raise BackupError(BackupProblem.OTHER_ENGINE, archive.path, manifest.engine)
    has_database = target.has_database()
    if has_database and not may_replace:
        raise BackupError(BackupProblem.NOT_EMPTY, Path(target.url.database or ""))
    path, found = extract_database(archive, scratch, on_progress)
    ring = _choose_keys(found, target.key_files[KEY_FILE], before.new_keys.get(KEY_FILE))
    keeps_present = ring.path == target.key_files[KEY_FILE]
    new = {
        name: each
        for name, each in before.new_keys.items()
        if not _is_same(target, name, each)
        and not (keeps_present and target.key_files[name].exists())
    }
    _check_replaced_keys(target, new, may_replace=may_replace)
    content = open_content(manifest.engine, path)
    return replace(
        before,
        new_keys=new,
        manifest=manifest,
        database=path,
        audit=verify_audit(content, manifest, ring, on_progress),
        replaces_database=has_database,
    )


def _choose_keys(found: DatabaseInspection, present: Path, given: Path | None) -> KeyRing:
    """Return the keys that open a database: those that are here, or else those of the backup.

    :raises BackupError: where neither do.
    """
    rings = [load_ring(path) for path in (present, given) if path and path.exists()]
    if not rings:
        raise BackupError(BackupProblem.KEYS_MISSING, present)
    for ring in rings:
        if not missing_keys(found, ring):
            return ring
    lacking = ", ".join(missing_keys(found, rings[-1]))
    raise BackupError(BackupProblem.KEYS_DO_NOT_FIT, rings[-1].path, lacking)


def _with_list(plan: RestorePlan, path: Path) -> RestorePlan:
    """Read the last published list, which the authority in the backup has to have signed."""
    assert plan.manifest is not None
    assert plan.database is not None
    content = open_content(plan.manifest.engine, plan.database)
    rows = content.read_rows(CertificateAuthority.__tablename__)
    certificates = [x509.load_der_x509_certificate(to_bytes(row["certificate"])) for row in rows]
    crl = parse_list(path.read_bytes(), certificates[0]) if certificates else None
    if crl is None:
        raise BackupError(BackupProblem.NOT_A_LIST, path)
    return replace(plan, last_list=crl)


def _is_same(target: RestoreTarget, name: str, path: Path) -> bool:
    present = target.key_files[name]
    return present.exists() and present.read_bytes() == path.read_bytes()


def _check_replaced_keys(
    target: RestoreTarget, new: Mapping[str, Path], *, may_replace: bool
) -> None:
    for name in new:
        if target.key_files[name].exists() and not may_replace:
            raise BackupError(BackupProblem.KEYS_IN_PLACE, target.key_files[name])


def carry_out(plan: RestorePlan, on_progress: OnProgress) -> None:
    """Put the database in place, then the keys. The caller owns the database.

    :raises BackupError: where a program fails; nothing is changed then.
    """
    target, schema = plan.target, plan.aside_schema
    on_progress(BackupStep.RESTORE, 0, None)
    _copy_aside(plan)
    if plan.database is not None and schema is not None:
        restore_dump(target.url, plan.database, schema, on_progress)
    elif plan.database is not None:
        aside = plan.aside_folder if plan.replaces_database else None
        _replace_file(plan.database, target.database_file, aside)
    for name, path in plan.new_keys.items():
        private_files.replace(target.key_files[name], path.read_bytes())
    on_progress(BackupStep.RESTORE, 1, 1)


def _copy_aside(plan: RestorePlan) -> None:
    """Copy the small files that this restore may change."""
    target = plan.target
    changed = [target.key_files[name] for name in plan.new_keys]
    for path in (*changed, *target.kept_files):
        if path.exists():
            private_files.make_folder(plan.aside_folder)
            copied = plan.aside_folder / path.name
            shutil.copyfile(path, copied)
            copied.chmod(0o600)


def _replace_file(new: Path, path: Path, aside: Path | None) -> None:
    """Put a database file in the place of another in one step.

    :param aside: a folder for that one; `None` where it is empty.
    """
    new.chmod(0o600)
    private_files.make_folder(path.parent)
    if aside is not None:
        private_files.make_folder(aside)
        _empty_journal(path)
    for suffix in _JOURNALS:
        journal = path.with_name(path.name + suffix)
        if aside is None:
            journal.unlink(missing_ok=True)
        elif journal.exists():
            journal.replace(aside / journal.name)
    if aside is not None:
        try:
            os.link(path, aside / path.name)
        except OSError:  # a file system without hard links
            path.replace(aside / path.name)
    new.replace(path)
    private_files.sync_folder(path.parent)


def _empty_journal(path: Path) -> None:
    """Bring everything from the journal into the file; a damaged one stays as it is."""
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(path, timeout=5)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
