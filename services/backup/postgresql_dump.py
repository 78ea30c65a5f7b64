"""Dumps of a PostgreSQL database, made and put back with PostgreSQL's own programs.

A dump is restored in one transaction that also moves what was there into a schema of its own, so
that either everything happens or nothing, and nothing is destroyed.
"""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

from sqlalchemy import URL
from typing_extensions import override

from services.backup.content import DatabaseContent
from services.backup.errors import BackupError, BackupProblem
from services.backup.progress import BackupStep, OnProgress

MEMBER = "database.dump"
ASIDE = "before_restore_"
"""Prefix of the schemas that what was there before a restore is moved into."""
_COPY = re.compile(r'\ACOPY (?:(?:"[^"]+"|\w+)\.)?("[^"]+"|\w+) \((.*)\) FROM stdin;')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_END = "\\."
_MOVE_ASIDE = """
SET lock_timeout = '10s';
CREATE SCHEMA {schema};
DO $$
DECLARE found record;
BEGIN
    FOR found IN
        SELECT oid::regclass AS name FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
    LOOP
        EXECUTE format('ALTER TABLE %s SET SCHEMA {schema}', found.name);
    END LOOP;
END $$;
"""


def dump_database(url: URL, target: Path, on_progress: OnProgress) -> None:
    """Dump a database into a new file.

    :raises BackupError: where PostgreSQL's programs are not there or fail.
    """
    count = _count_tables(url)
    if not count:
        raise BackupError(BackupProblem.NO_DATABASE, Path(url.database or ""))
    on_progress(BackupStep.COPY, 0, count)
    options = ("--format=custom", "--no-owner", "--no-privileges", f"--exclude-schema={ASIDE}*")
    with _connection(url) as (arguments, environment):
        target.touch(mode=0o600)
        _run(["pg_dump", *options, f"--file={target}", *arguments], environment)
    on_progress(BackupStep.COPY, count, count)


def is_empty(url: URL) -> bool:
    """Whether a database has no table."""
    return _count_tables(url) == 0


def restore_dump(url: URL, dump: Path, aside: str, on_progress: OnProgress) -> None:
    """Put a dump in place, and move what was there into the schema `aside`, where there is any.

    :raises BackupError: where that fails; nothing is changed then.
    """
    has_tables = not is_empty(url)
    with TemporaryDirectory(prefix="kaika-restore-") as folder, _connection(url) as connection:
        arguments, environment = connection
        before, script = Path(folder, "before.sql"), Path(folder, "restore.sql")
        before.write_text(_MOVE_ASIDE.format(schema=aside) if has_tables else "")
        on_progress(BackupStep.RESTORE, 0, None)
        plain = ("--no-owner", "--no-privileges", f"--file={script}")
        _run(["pg_restore", *plain, str(dump)], environment)
        once = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1")
        files = (f"--file={before}", f"--file={script}")
        _run(["psql", *once, *files, "--output=/dev/null", *arguments], environment)
    on_progress(BackupStep.RESTORE, 1, 1)


class DumpContent(DatabaseContent):
    """The tables of a dump, as ``pg_restore`` prints them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @override
    def count_rows(self, on_progress: OnProgress) -> Mapping[str, int]:
        counts: dict[str, int] = {}
        for number, (table, _, line) in enumerate(self._read_lines("--data-only")):
            counts[table] = counts.get(table, 0) + (line is not None)
            if number % 10_000 == 0:
                on_progress(BackupStep.CHECK, number, None)
        on_progress(BackupStep.CHECK, 1, 1)
        return counts

    @override
    def read_rows(self, table: str) -> Iterator[Mapping[str, Any]]:
        for _, columns, line in self._read_lines("--data-only", f"--table={table}"):
            if line is not None:
                yield dict(zip(columns, map(_parse_value, line.split("\t")), strict=True))

    def _read_lines(self, *options: str) -> Iterator[tuple[str, Sequence[str], str | None]]:
        """Yield table, columns and each row; once `None` in place of a row for each table."""
        command = ["pg_restore", *options, "--file=-", str(self._path)]
        with _start(command) as program:
            assert program.stdout is not None
            table, columns = "", list[str]()
            for raw in program.stdout:
                line = raw.decode().rstrip("\n")
                if table and line == _END:
                    table = ""
                elif table:
                    yield table, columns, line
                elif found := _COPY.fullmatch(line):
                    table = found[1].strip('"')
                    columns = [name.strip().strip('"') for name in found[2].split(",")]
                    yield table, columns, None


def _parse_value(text: str) -> str | None:
    """Parse a value of PostgreSQL's text format of ``COPY``."""
    return None if text == "\\N" else _ESCAPE.sub(lambda m: _ESCAPED.get(m[1], m[1]), text)


def _count_tables(url: URL) -> int:
    query = (
        "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace "
        "AND relkind IN ('r', 'p')"
    )
    with _connection(url) as (arguments, environment):
        options = ("--no-psqlrc", "--tuples-only", "--no-align", f"--command={query}")
        return int(_run(["psql", *options, *arguments], environment))


@contextmanager
def _connection(url: URL) -> Iterator[tuple[Sequence[str], Mapping[str, str]]]:
    """Yield arguments and environment that reach a database; the password is in neither."""
    query = {name: str(value) for name, value in url.query.items()}
    mode = query.pop("ssl", None)
    values = {
        "host": url.host or query.pop("host", None),
        "port": str(url.port) if url.port else query.pop("port", None),
        "user": url.username,
        "dbname": url.database,
        "sslmode": mode,
    }
    given = " ".join(f"{name}={_quote(value)}" for name, value in values.items() if value)
    environment = dict(os.environ)
    with TemporaryDirectory(prefix="kaika-connection-") as folder:
        if url.password is not None:
            password = Path(folder, "password")
            password.touch(mode=0o600)
            escaped = str(url.password).replace("\\", "\\\\").replace(":", "\\:")
            password.write_text(f"*:*:*:*:{escaped}\n")
            environment["PGPASSFILE"] = str(password)
        yield ("--no-password", f"--dbname={given}"), environment


def _quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _run(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run one of PostgreSQL's programs, and return what it prints.

    :raises BackupError: where it is not there or fails.
    """
    try:
        done = subprocess.run(  # noqa: S603
            command, env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise BackupError(BackupProblem.NO_PROGRAM, detail=command[0]) from None
    if done.returncode != 0:
        raise _failure(command[0], done.stderr)
    return done.stdout


@contextmanager
def _start(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program whose output is read while it runs.

    :raises BackupError: where it is not there, or the dump is damaged.
    """
    with TemporaryFile("w+", encoding="utf-8") as errors:
        try:
            program = subprocess.Popen(  # noqa: S603
                command,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        except FileNotFoundError:
            raise BackupError(BackupProblem.NO_PROGRAM, detail=command[0]) from None
        with program:
            try:
                yield program
            except BaseException:
                program.kill()
                raise
        errors.seek(0)
        said = errors.read()
    if program.returncode != 0:
        raise BackupError(BackupProblem.DAMAGED, Path(command[-1]), _last_line(said))


def _failure(program: str, said: str) -> BackupError:
    return BackupError(BackupProblem.PROGRAM_FAILED, detail=f"{program}: {_last_line(said)}")


def _last_line(said: str) -> str:
    """Return the line that says what was wrong."""
    lines = [line for line in said.splitlines() if "error" in line.lower()] or said.splitlines()
    return (lines or ["it ended without a word"])[0].strip()
