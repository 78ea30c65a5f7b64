"""Limits on the connections to the public listener, which anybody can open.

Each connection has to send the head of a request, and then the rest of it, within some seconds. The
number of connections is limited, per address and in all. When all places are taken, or those of one
address, one more takes the place of the connection among them that has waited longest without a
request; those that are being served keep theirs. A websocket leaves the guard once it is open:
bridges have limits of their own.

Behind a reverse proxy every connection comes from the proxy. Its deadlines and number then protect
the listener, and the requests of each address are counted as the proxy names it.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Handler

from services.bridge.pairing.codes import rate_limit_address
from services.repeated_events import RepeatedEvents

TRUSTED_PROXIES = frozenset({"127.0.0.1", "::1"})
"""Peers whose ``X-Forwarded-For`` is trusted: a TLS proxy on this machine."""

_COUNTED_FOR = web.RequestKey("counted_for", str)
"""The address that a request through a proxy is counted for."""


@dataclass(frozen=True)
class ConnectionLimits:
    """Limits of the public listener.

    :ivar connections: at a time, websockets not counted.
    :ivar connections_per_address: likewise; a whole university may share one address.
    :ivar head_seconds: until the head of a request has arrived.
    :ivar request_seconds: from then until the request is answered.
    :ivar idle_seconds: from then until the head of the next request has arrived.
    """

    connections: int = 500
    connections_per_address: int = 100
    head_seconds: float = 10.0
    request_seconds: float = 30.0
    idle_seconds: float = 60.0


def client_address(request: web.BaseRequest, proxies: frozenset[str] = TRUSTED_PROXIES) -> str:
    """Return the address that a request comes from, as limits count it.

    That is the peer's, or the last one that a trusted proxy names.
    """
    address = request.remote or ""
    if address in proxies:
        hops = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
        address = hops[-1].strip() or address
    return rate_limit_address(address)


@dataclass(eq=False, slots=True)
class _Connection:
    """A connection of the listener.

    :ivar address: as limits count it; `None` for a proxy's.
    :ivar deadline: cuts it off.
    """

    transport: asyncio.Transport
    address: str | None
    deadline: asyncio.TimerHandle | None = None

    def set_deadline(self, seconds: float, act: Callable[["_Connection"], None]) -> None:
        self.clear_deadline()
        loop = asyncio.get_running_loop()
        self.deadline = loop.call_later(seconds, act, self)

    def clear_deadline(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None


class ConnectionGuard:
    """Admits connections, and cuts off those that take too long."""

    def __init__(
        self,
        limits: ConnectionLimits | None = None,
        proxies: frozenset[str] = TRUSTED_PROXIES,
    ) -> None:
        self.limits = limits or ConnectionLimits()
        self._proxies = proxies
        self._connections: dict[asyncio.Transport, _Connection] = {}
        self._waiting: OrderedDict[_Connection, None] = OrderedDict()
        """Connections without a request, those that have waited longest first."""
        self._per_address: Counter[str] = Counter()
        self._requests: Counter[str] = Counter()
        self._events = RepeatedEvents()

    def guard(
        self, make_protocol: Callable[[], asyncio.Protocol]
    ) -> Callable[[], asyncio.Protocol]:
        """Return a factory of protocols whose connections are guarded."""
        return lambda: _GuardedProtocol(self, make_protocol())

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Watch a request from the moment its head has arrived."""
        connection = self._find(request)
        if connection is None:
            return await handler(request)
        self._waiting.pop(connection, None)
        connection.set_deadline(self.limits.request_seconds, self._cut_off)
        with self._count_request(request, connection) as is_granted:
            if not is_granted:
                self._events.warn("connection_refused", reason="requests of an address")
                raise web.HTTPTooManyRequests(headers={"Connection": "close", "Retry-After": "5"})
            try:
                return await handler(request)
            finally:
                if connection.transport in self._connections:
                    self._waiting[connection] = None
                    connection.set_deadline(self.limits.idle_seconds, self._cut_off)

    def release(self, request: web.Request) -> None:
        """Let a connection stay open: it is a websocket now."""
        connection = self._find(request)
        if connection is not None:
            self.remove(connection.transport)
        self._end_request(request)

    def admit(self, transport: asyncio.Transport) -> bool:
        """Admit a new connection; `False` where there is no place for it."""
        peer = transport.get_extra_info("peername")
        host = str(peer[0]) if peer else ""
        address = None if host in self._proxies else rate_limit_address(host)
        is_over = (
            address is not None
            and self._per_address[address] >= self.limits.connections_per_address
        )
        if is_over and not self._make_room(address):
            self._events.warn("connection_refused", reason="connections of an address")
            return False
        if len(self._connections) >= self.limits.connections and not self._make_room():
            self._events.warn("connection_refused", reason="full")
            return False
        connection = self._connections[transport] = _Connection(transport, address)
        self._waiting[connection] = None
        if address is not None:
            self._per_address[address] += 1
        connection.set_deadline(self.limits.head_seconds, self._cut_off)
        return True

    def remove(self, transport: asyncio.Transport) -> None:
        """Forget a connection that is closed or a websocket."""
        connection = self._connections.pop(transport, None)
        if connection is None:
            return
        connection.clear_deadline()
        self._waiting.pop(connection, None)
        if connection.address is not None:
            self._per_address[connection.address] -= 1
            if not self._per_address[connection.address]:
                del self._per_address[connection.address]

    def _find(self, request: web.BaseRequest) -> _Connection | None:
        return self._connections.get(request.transport) if request.transport else None

    def _make_room(self, address: str | None = None) -> bool:
        """Cut off the connection that has waited longest without a request, if any.

        :param address: only among the connections of this one.
        """
        waiting = (each for each in self._waiting if address in (None, each.address))
        oldest = next(waiting, None)
        if oldest is None:
            return False
        self._cut_off(oldest)
        return True

    def _cut_off(self, connection: _Connection) -> None:
        self._events.warn("connection_cut_off")
        self.remove(connection.transport)
        connection.transport.abort()

    @contextmanager
    def _count_request(self, request: web.Request, connection: _Connection) -> Iterator[bool]:
        """Count a request that came through a proxy; yield whether it is granted."""
        if connection.address is not None:
            yield True
            return
        address = client_address(request, self._proxies)
        self._requests[address] += 1
        request[_COUNTED_FOR] = address
        try:
            yield self._requests[address] <= self.limits.connections_per_address
        finally:
            self._end_request(request)

    def _end_request(self, request: web.Request) -> None:
        address = request.pop(_COUNTED_FOR, None)
        if address is not None:
            self._requests[address] -= 1
            if not self._requests[address]:
                del self._requests[address]


class _GuardedProtocol(asyncio.Protocol):
    """Passes a connection on to aiohttp, if it is admitted."""

    def __init__(self, guard: ConnectionGuard, inner: asyncio.Protocol) -> None:
        self._guard = guard
        self._inner = inner
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        connected = cast("asyncio.Transport", transport)  # uvloop's are not of this class
        if not self._guard.admit(connected):
            connected.abort()
            return
        self._transport = connected
        self._inner.connection_made(connected)

    def data_received(self, data: bytes) -> None:
        if self._transport is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._transport is not None else None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._guard.remove(self._transport)
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()
