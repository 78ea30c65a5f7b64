"""The database engine, with a limit on everything that waits for the database.

PostgreSQL ends a statement before our own limit does, so that a client that is still waiting after
`COMMAND_SECONDS` has lost the line. Sockets find out by themselves when the other end is gone.
"""

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from time import monotonic
from typing import Any

from sqlalchemy import URL, Engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from services.storage import sqlite_connection
from services.storage.availability import translate_errors

CONNECT_SECONDS = 5.0
STATEMENT_SECONDS = 8.0
"""After which the server ends a statement."""
COMMAND_SECONDS = STATEMENT_SECONDS + 2.0
"""After which a statement without an answer counts as lost, and its connection with it."""
POOL_SECONDS = 5.0
"""How long to wait for one of the pool's connections."""
IDLE_TRANSACTION_SECONDS = 4
"""After which the server ends an owner's session that does nothing in a transaction."""
PING_AFTER_SECONDS = 1.0
"""Idle time after which a connection of the pool is tried before it is used."""

_DEAD_PEER = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10s",
}
"""With which the server finds out that a client's machine is gone."""
_KEEPALIVE = {
    "TCP_KEEPIDLE": 5,
    "TCP_KEEPINTVL": 2,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 10_000,
}
"""Options of our end of the socket: seconds, and milliseconds for the last."""
_USED_AT = "used_at"


@dataclass(frozen=True)
class Limits:
    """Limits of PostgreSQL's sessions.

    :ivar command_seconds: after which our end gives up a statement and its connection.
    :ivar settings: of the server, for the session.
    """

    command_seconds: float
    settings: Mapping[str, str]


LIMITS = Limits(COMMAND_SECONDS, {**_DEAD_PEER, "statement_timeout": f"{STATEMENT_SECONDS:.0f}s"})
OWNER_LIMITS = replace(
    LIMITS,
    settings={
        **LIMITS.settings,
        "idle_in_transaction_session_timeout": f"{IDLE_TRANSACTION_SECONDS}s",
    },
)
"""Limits of a process that owns the database (`services.storage.ownership`)."""


def create_engine(
    url: URL,
    limits: Limits | None = LIMITS,
    on_sqlite_write: Callable[[], None] | None = None,
    **options: Any,
) -> AsyncEngine:
    """Create an engine whose errors are those of `services.storage.availability`.

    :param limits: of PostgreSQL's sessions; `None` for statements that may take long.
    :param on_sqlite_write: as `services.storage.sqlite_connection.SqliteConnection.on_write`.
    :param options: of SQLAlchemy's engine.
    """
    if url.get_backend_name() == "sqlite":
        connect = partial(sqlite_connection.connect, on_write=on_sqlite_write)
        engine = _create(url, {"async_creator_fn": connect}, options)
        event.listen(engine.sync_engine, "connect", sqlite_connection.prepare)
        event.listen(engine.sync_engine, "begin", sqlite_connection.begin)
        return engine
    arguments: dict[str, Any] = {"timeout": CONNECT_SECONDS}
    if limits is not None:
        arguments["command_timeout"] = limits.command_seconds
        arguments["server_settings"] = dict(limits.settings)
    if "poolclass" not in options:
        options["pool_timeout"] = POOL_SECONDS
    engine = _create(url, arguments, options)
    event.listen(engine.sync_engine, "connect", _watch_socket)
    event.listen(engine.sync_engine, "checkin", _note_use)
    event.listen(engine.sync_engine, "checkout", _check_connection)
    return engine


def _create(url: URL, arguments: dict[str, Any], options: dict[str, Any]) -> AsyncEngine:
    # The text of an error must not contain stored values.
    engine = create_async_engine(url, connect_args=arguments, hide_parameters=True, **options)
    sync_engine: Engine = engine.sync_engine
    translate_errors(sync_engine)
    return engine


def _watch_socket(connection: Any, _record: object) -> None:
    """Have the kernel find out within seconds that the server's machine is gone."""
    transport = connection.driver_connection._transport
    opened = transport.get_extra_info("socket")
    if opened is None or opened.family not in (socket.AF_INET, socket.AF_INET6):
        return
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE.items():
        if hasattr(socket, option):  # Linux has them all
            opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def _note_use(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info[_USED_AT] = monotonic()


def _check_connection(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
    """Have the pool replace a connection that ended meanwhile; one just used is not asked."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError
    if monotonic() - record.info.get(_USED_AT, inf) > PING_AFTER_SECONDS:
        try:
            connection.ping()
        except (connection.dbapi.Error, OSError) as error:
            raise DisconnectionError from error
