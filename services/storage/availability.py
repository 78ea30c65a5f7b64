"""The one error for a database that is not there right now.

Every failure of the database passes through an engine's error handler, which decides here whether
the same work may succeed later. asyncpg reports an unreachable or silent server as a plain
`OSError`, which SQLAlchemy passes on as it is.
"""

import sqlite3
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

_TRANSIENT_CLASSES = frozenset({"08", "40", "53", "55", "57", "58"})
"""Classes of PostgreSQL's error codes: connection, transaction rollback, insufficient resources,
object in use, operator intervention, system error."""
_TRANSIENT_CODES = frozenset({"25006", "25P03", "25P04", "XX001", "XX002"})
"""PostgreSQL's codes of a server that became a standby, of a session or transaction that was idle
or open for too long, and of damaged data and indexes, which an operator has to restore."""
_REFUSING_CLASSES = frozenset({"28", "3D"})
"""Classes of PostgreSQL's error codes: invalid authorization, no such database."""
_SQLITE_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_SQLITE_LOCKS = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_SQLITE_NOT_WRITABLE = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY})
_PRIMARY_CODE = 0xFF
"""Mask of SQLite's primary error code in an extended one."""


class DatabaseUnavailableError(Exception):
    """The database is not there right now: unreachable, silent, locked, full, busy or damaged.

    Nothing is wrong with the work, which may succeed later.

    :ivar needs_operator: whether it stays so until somebody corrects the address, the password or
        the files.
    """

    def __init__(self, reason: str, *, needs_operator: bool = False) -> None:
        super().__init__(reason)
        self.needs_operator = needs_operator


def is_transient(error: BaseException) -> bool:
    """Whether an error came from the database's or the disk's condition, not from the work."""
    return isinstance(error, DatabaseUnavailableError | OSError)


def translate_errors(engine: Engine) -> None:
    """Have an engine raise `DatabaseUnavailableError` in place of its drivers' errors."""
    event.listen(engine, "handle_error", _translate_error)
    event.listen(engine, "do_connect", _connect)


def _connect(
    dialect: Dialect, _record: object, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> DBAPIConnection:
    """Connect; an `OSError` becomes one of the driver's errors, which the error handler sees."""
    try:
        return dialect.connect(*args, **kwargs)
    except OSError as error:
        raise dialect.loaded_dbapi.OperationalError(_describe(error), error) from error


def _translate_error(context: ExceptionContext) -> DatabaseUnavailableError | None:
    original, wrapped = context.original_exception, context.sqlalchemy_exception
    if isinstance(original, OSError):  # also the end of a time limit
        context.is_disconnect = True
        return DatabaseUnavailableError(_describe(original))
    if not isinstance(wrapped, DBAPIError):
        return None
    code = getattr(original, "sqlstate", None) or _sqlite_code(original)
    if context.is_disconnect or context.connection is None or _is_transient(wrapped, code):
        reason = _describe(original)
        if code in _SQLITE_NOT_WRITABLE:
            reason += ". This user has to be able to write to the file and to its folder"
        return DatabaseUnavailableError(reason, needs_operator=_is_lasting(code))
    return None


def _is_transient(error: DBAPIError, code: str | int | None) -> bool:
    if isinstance(code, str):
        return code[:2] in _TRANSIENT_CLASSES or code in _TRANSIENT_CODES
    if code in _SQLITE_DAMAGE:
        return True
    if code == sqlite3.SQLITE_ERROR:
        return False  # such as a missing table
    if isinstance(getattr(error.orig, "__cause__", None), ValueError):
        return False  # asyncpg refuses a value before it is sent
    return isinstance(error, OperationalError | InterfaceError)


def _is_lasting(code: str | int | None) -> bool:
    if isinstance(code, str):
        return code[:2] in _REFUSING_CLASSES
    return code is not None and code not in _SQLITE_LOCKS


def _sqlite_code(error: BaseException) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & _PRIMARY_CODE


def _describe(error: BaseException) -> str:
    """Return the first line of an error's text, which holds no values, or else its type."""
    return (str(error).splitlines() or [""])[0] or type(error).__name__
