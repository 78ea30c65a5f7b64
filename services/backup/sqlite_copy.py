"""A copy of an SQLite database, taken while it is in use.

``VACUUM INTO`` copies what one moment of the database holds, in one transaction that blocks no
writer, and leaves out what was deleted.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from typing_extensions import override

from services.backup.content import DatabaseContent
from services.backup.errors import BackupError, BackupProblem
from services.backup.progress import BackupStep, OnProgress

MEMBER = "database.sqlite"
_INSTRUCTIONS = 100_000
"""How many instructions of SQLite's machine run between two reports."""
_PAGE = 500
_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"


def copy_database(path: Path, target: Path, on_progress: OnProgress) -> None:
    """Copy a database into a new file.

    :raises BackupError: where there is none, or it is damaged.
    """
    if not path.is_file() or path.stat().st_size == 0:
        raise BackupError(BackupProblem.NO_DATABASE, path)
    target.touch(mode=0o600)

    def report() -> None:
        on_progress(BackupStep.COPY, target.stat().st_size, path.stat().st_size)

    with _open(path, BackupProblem.SOURCE_DAMAGED) as connection:
        connection.set_progress_handler(report, _INSTRUCTIONS)
        connection.execute("VACUUM INTO ?", (str(target),))
    report()


def has_tables(path: Path) -> bool:
    """Whether a file is a database with a table, or something else that must not be lost."""
    if not path.is_file() or path.stat().st_size == 0:
        return False
    try:
        with _open(path, BackupProblem.SOURCE_DAMAGED) as connection:
            return connection.execute(_TABLES).fetchone() is not None
    except BackupError:
        return True


class SqliteContent(DatabaseContent):
    """The tables of a copy."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @override
    def count_rows(self, on_progress: OnProgress) -> Mapping[str, int]:
        with _open(self._path, BackupProblem.DAMAGED) as connection:
            for check in ("integrity_check(1)", "foreign_key_check"):
                found = [row[0] for row in connection.execute(f"PRAGMA {check}")]
                if found not in ([], ["ok"]):
                    raise BackupError(BackupProblem.DAMAGED, self._path, str(found[0]))
            tables = [str(row[0]) for row in connection.execute(_TABLES)]
            counts = {}
            for number, table in enumerate(sorted(tables)):
                on_progress(BackupStep.CHECK, number, len(tables))
                counted = connection.execute(f"SELECT count(*) FROM {_quote(table)}")  # noqa: S608
                counts[table] = int(counted.fetchone()[0])
        on_progress(BackupStep.CHECK, len(tables), len(tables))
        return counts

    @override
    def read_rows(self, table: str) -> Iterator[Mapping[str, Any]]:
        with _open(self._path, BackupProblem.DAMAGED) as connection:
            connection.row_factory = sqlite3.Row
            rows = connection.execute(f"SELECT * FROM {_quote(table)} ORDER BY 1")  # noqa: S608
            while page := rows.fetchmany(_PAGE):
                yield from (dict(row) for row in page)


@contextmanager
def _open(path: Path, problem: BackupProblem) -> Iterator[sqlite3.Connection]:
    """Open a database for reading; an error of SQLite is that problem."""
    try:
        address = f"file:{quote(str(path.absolute()))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=30)) as connection:
            yield connection
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and not _is_damage(error):
            raise OSError(f"{path}: {error}") from error
        raise BackupError(problem, path, str(error)) from error


def _is_damage(error: sqlite3.OperationalError) -> bool:
    return getattr(error, "sqlite_errorcode", None) in (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    )


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
