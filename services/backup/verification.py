"""Verifying backups: that a file is what was written, and that what is in it is in order."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

from services.authority.embedded.audit import AuditVerification
from services.backup.archive import BackupArchive, BackupKind, BackupManifest
from services.backup.creation import KEY_FILE, KEY_FILES, private_folder
from services.backup.errors import BackupError, BackupProblem
from services.backup.inspection import (
    MEMBERS,
    DatabaseInspection,
    inspect_database,
    open_content,
    verify_audit,
)
from services.backup.progress import OnProgress
from services.storage import keys as key_rings
from services.storage.key_fingerprints import WrongKeyFileError, compare_fingerprints
from services.storage.keys import KeyFileError, KeyRing
from services.storage.upgrade import is_known_revision


@dataclass(frozen=True)
class BackupVerification:
    """What was found in the file of a backup.

    :ivar missing_keys: keys that its database needs and the key file lacks; `None` where no key
        file was there to compare.
    :ivar audit: `None` where no key file that fits was there to verify it with.
    """

    path: Path
    size: int
    manifest: BackupManifest
    missing_keys: tuple[str, ...] | None = None
    audit: AuditVerification | None = None

    @property
    def is_in_order(self) -> bool:
        """Whether nothing wrong was found."""
        return not self.missing_keys and (self.audit is None or self.audit.fault is None)


def open_archives(paths: list[Path]) -> Mapping[BackupKind, BackupArchive]:
    """Read what files are.

    :raises BackupError: for a file that is no backup, or two of a kind.
    """
    found: dict[BackupKind, BackupArchive] = {}
    for path in paths:
        archive = BackupArchive.open(path)
        if archive.manifest.kind in found:
            raise BackupError(BackupProblem.TWO_OF_A_KIND, path)
        found[archive.manifest.kind] = archive
    return found


def verify_backups(
    paths: list[Path], key_file: Path, on_progress: OnProgress
) -> list[BackupVerification]:
    """Verify the file of a database, of the keys, or of both.

    :param key_file: of this machine, which is compared with where none is among the files.
    :raises BackupError: for a file that is no backup, cut off or damaged.
    """
    archives = open_archives(paths)
    done = []
    with private_folder(Path(gettempdir())) as scratch:
        if keys := archives.get(BackupKind.KEYS):
            key_file = extract_keys(keys, scratch, on_progress)[KEY_FILE]
            done.append(BackupVerification(keys.path, keys.path.stat().st_size, keys.manifest))
        if database := archives.get(BackupKind.DATABASE):
            ring = load_ring(key_file) if key_file.exists() else None
            done.append(_verify_database(database, scratch, ring, on_progress))
    return done


def _verify_database(
    archive: BackupArchive, scratch: Path, ring: KeyRing | None, on_progress: OnProgress
) -> BackupVerification:
    path, found = extract_database(archive, scratch, on_progress)
    missing = None if ring is None else missing_keys(found, ring)
    audit = None
    if ring is not None and not missing:
        content = open_content(archive.manifest.engine, path)
        audit = verify_audit(content, archive.manifest, ring, on_progress)
    size = archive.path.stat().st_size
    return BackupVerification(archive.path, size, archive.manifest, missing, audit)


def extract_database(
    archive: BackupArchive, folder: Path, on_progress: OnProgress
) -> tuple[Path, DatabaseInspection]:
    """Write the database of a backup into a folder, and read all of it.

    :raises BackupError: where it is damaged, or was made by a newer version.
    """
    manifest = archive.manifest
    if manifest.revision is None or not is_known_revision(manifest.revision):
        raise BackupError(BackupProblem.NEWER, archive.path)
    member = MEMBERS.get(manifest.engine or "")
    path = archive.extract(folder, on_progress).get(member or "")
    if path is None:
        raise BackupError(BackupProblem.NOT_A_BACKUP, archive.path)
    return path, inspect_database(open_content(manifest.engine, path), path, on_progress)


def extract_keys(
    archive: BackupArchive, folder: Path, on_progress: OnProgress
) -> Mapping[str, Path]:
    """Write the key files of a backup into a folder, and read them.

    :raises BackupError: where they are damaged.
    """
    extracted = archive.extract(folder, on_progress)
    files = {name: path for name, path in extracted.items() if name in KEY_FILES}
    if KEY_FILE not in files:
        raise BackupError(BackupProblem.NOT_A_BACKUP, archive.path)
    load_ring(files[KEY_FILE])
    return files


def load_ring(path: Path) -> KeyRing:
    """Read a key file.

    :raises BackupError: where it is none.
    """
    try:
        return key_rings.load(path)
    except KeyFileError as error:
        raise BackupError(BackupProblem.DAMAGED, path, error.reason) from error


def missing_keys(found: DatabaseInspection, ring: KeyRing) -> tuple[str, ...]:
    """Return the keys that a database needs and a key ring lacks."""
    try:
        compare_fingerprints(found.fingerprints, ring)
    except WrongKeyFileError as error:
        return error.missing
    return ()
