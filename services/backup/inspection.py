"""Reading what a database in a file holds, and whether it is in order."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.authority.ca.models import RevocationList
from services.authority.embedded.audit import Audit, AuditHeadFile, AuditVerification
from services.authority.embedded.models import AuditEntry
from services.backup import postgresql_dump, sqlite_copy
from services.backup.archive import BackupManifest
from services.backup.content import AuditRow, DatabaseContent
from services.backup.errors import BackupError, BackupProblem
from services.backup.postgresql_dump import DumpContent
from services.backup.progress import BackupStep, OnProgress
from services.backup.sqlite_copy import SqliteContent
from services.storage.keys import KeyRing

SQLITE, POSTGRESQL = "sqlite", "postgresql"
MEMBERS = {SQLITE: sqlite_copy.MEMBER, POSTGRESQL: postgresql_dump.MEMBER}
"""The name of the database in a backup, by its engine."""
_AUDIT, _LISTS = AuditEntry.__tablename__, RevocationList.__tablename__


@dataclass(frozen=True)
class DatabaseInspection:
    """What a database in a file holds.

    :ivar fingerprints: of the keys that it was made with.
    """

    revision: str
    rows: Mapping[str, int]
    fingerprints: Mapping[str, str]
    audit_entries: int | None
    list_number: int | None


def open_content(engine: str | None, path: Path) -> DatabaseContent:
    """Return the tables of a database in a file."""
    return SqliteContent(path) if engine == SQLITE else DumpContent(path)


def inspect_database(
    content: DatabaseContent, path: Path, on_progress: OnProgress
) -> DatabaseInspection:
    """Read all of it.

    :raises BackupError: where it is damaged, or no database of Kaika.
    """
    rows = content.count_rows(on_progress)
    revision = content.read_revision() if "alembic_version" in rows else None
    if revision is None:
        raise BackupError(BackupProblem.NO_DATABASE, path)
    lists = content.read_rows(_LISTS) if rows.get(_LISTS) else ()
    return DatabaseInspection(
        revision,
        rows,
        content.read_fingerprints(rows),
        rows.get(_AUDIT),
        max((int(row["number"]) for row in lists), default=None),
    )


def verify_audit(
    content: DatabaseContent, manifest: BackupManifest, keys: KeyRing, on_progress: OnProgress
) -> AuditVerification:
    """Verify the chain of the audit in a backup."""
    total = manifest.audit_entries
    on_progress(BackupStep.AUDIT, 0, total)
    if total is None:
        return AuditVerification(0)
    rows = sorted(map(AuditRow.from_row, content.read_rows(_AUDIT)), key=lambda row: row.number)
    found = Audit(keys, AuditHeadFile(Path(), b"")).verify_rows(rows)
    on_progress(BackupStep.AUDIT, total, total)
    return found
