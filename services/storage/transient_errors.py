"""Database errors that pass by themselves, so that a retry may succeed."""

import sqlite3

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError

_TRANSIENT_CLASSES = frozenset({"08", "40", "53", "55", "57", "58"})
"""Classes of PostgreSQL's error codes: connection, transaction rollback, insufficient resources,
object in use, operator intervention, system error."""
_READ_ONLY = "25006"
"""PostgreSQL's code during the failover to another server."""


def is_transient(error: BaseException) -> bool:
    """Whether the database was unreachable, locked or full, rather than the query wrong."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _is_transient_reply(error)
    return isinstance(error, NoConnectionError | OSError)


def _is_transient_reply(error: DBAPIError) -> bool:
    reply = error.orig
    code = getattr(reply, "sqlstate", None)  # PostgreSQL
    if code:
        return code[:2] in _TRANSIENT_CLASSES or code == _READ_ONLY
    if getattr(reply, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
        return False  # such as a missing table
    if isinstance(getattr(reply, "__cause__", None), ValueError):
        return False  # asyncpg refuses a value before it is sent
    return isinstance(error, OperationalError | InterfaceError)
