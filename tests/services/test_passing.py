"""Which errors of the database pass: those of the moment, and no mistake of ours."""

import errno
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from services.storage.database import Database
from services.storage.transient_errors import is_transient


class AnswerError(Exception):
    """What PostgreSQL answered, with its code."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__("no")
        self.sqlstate = sqlstate


def refused_value() -> Exception:
    refused = Exception("invalid input for query argument $1")
    refused.__cause__ = ValueError("value out of int64 range")
    return refused


@pytest.mark.parametrize(
    "error",
    [
        DBAPIError("SELECT", None, Exception("gone"), connection_invalidated=True),
        InterfaceError("SELECT", None, Exception("connection is closed")),
        NoConnectionError("QueuePool limit reached"),
        ConnectionRefusedError(),
        TimeoutError(),
        OSError(errno.ENOSPC, "No space left on device"),
        *(DBAPIError("SELECT", None, AnswerError(code)) for code in ("40P01", "53100", "53300")),
        *(DBAPIError("SELECT", None, AnswerError(code)) for code in ("55P03", "57P03", "25006")),
    ],
    ids=str,
)
def test_what_passes(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        KeyError("a bug"),
        DBAPIError("SELECT", None, Exception("a bug")),
        DBAPIError("SELECT", None, AnswerError("42P01")),
        OperationalError("SELECT", None, AnswerError("22021")),
        InterfaceError("SELECT", None, refused_value()),
    ],
    ids=str,
)
def test_what_comes_again(error: Exception) -> None:
    assert not is_transient(error)


async def error_of(url: str, statement: str) -> SQLAlchemyError:
    database = Database(url)
    with pytest.raises(SQLAlchemyError) as caught:
        async with database.unit_of_work() as session:
            await session.execute(text(statement))
    await database.close()
    return caught.value


async def test_a_file_that_is_locked_passes_and_a_missing_table_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'kaika.db'}"
    assert not is_transient(await error_of(url, "SELECT * FROM nothing"))
    monkeypatch.setattr("services.storage.database._PRAGMAS", ["PRAGMA busy_timeout = 0"])
    other = sqlite3.connect(tmp_path / "kaika.db")
    other.execute("BEGIN EXCLUSIVE")
    assert is_transient(await error_of(url, "SELECT 1"))
    other.close()


async def test_a_server_that_is_not_there_is_an_error_of_the_database_and_passes() -> None:
    assert is_transient(await error_of("postgresql+asyncpg://kaika@127.0.0.1:1/kaika", "SELECT 1"))
