"""Which errors of the database pass by themselves, so that the same work succeeds later."""

import sqlite3

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError

_PASSING_CLASSES = frozenset({"08", "40", "53", "55", "57", "58"})
"""First halves of PostgreSQL's codes: no connection, another transaction was in the way, no room,
locked, shut down, a failing disk."""
_READ_ONLY = "25006"
"""PostgreSQL's code where another server is just becoming the one that is written to."""


def is_passing(error: BaseException) -> bool:
    """Tell whether the database was away, locked or full, rather than asked for nonsense."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _is_passing_answer(error)
    return isinstance(error, NoConnectionError | OSError)


def _is_passing_answer(error: DBAPIError) -> bool:
    answer = error.orig
    code = getattr(answer, "sqlstate", None)  # PostgreSQL
    if code:
        return code[:2] in _PASSING_CLASSES or code == _READ_ONLY
    if getattr(answer, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
        return False  # such as a table that is not there
    if isinstance(getattr(answer, "__cause__", None), ValueError):
        return False  # asyncpg refuses a value before it asks anybody
    return isinstance(error, OperationalError | InterfaceError)
