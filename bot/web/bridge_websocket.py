"""The websocket for reader bridges on the public listener, and its protections.

Web pages must not connect, so a request with an ``Origin`` is refused. The size of frames is
limited, and so is the number of connections that are not paired, per address and in total; a
connection that does not answer a ping is closed. A paired bridge always finds a place, since it has
proved its pairing. The frames themselves are handled by the hub.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

from aiohttp import WSMsgType, web

from bot.web.connection_guard import TRUSTED_PROXIES, client_address
from bot.web.listeners import GUARD
from reader_bridge.protocol import ProtocolErrorCode, encode_frame
from reader_bridge.protocol.limits import (
    DEFAULT_PATH,
    GREETING_SECONDS,
    HEARTBEAT_SECONDS,
    MAX_FRAME_BYTES,
    SUBPROTOCOL,
)
from reader_bridge.protocol.operation_messages import ErrorMessage
from services.bridge.hub import Hub
from services.bridge.interface import BridgeConnection, BridgeEndpoint
from services.repeated_events import RepeatedEvents
from services.supervisor import OwnedTasks, Supervisor

_CHECK_SECONDS = 1.0
_MAX_QUEUED_FRAMES = 256
"""Frames waiting for a bridge beyond which it is disconnected."""

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class BridgeLimits:
    """Limits of the websocket.

    :ivar connections: at a time, of those before their hello, and of those that are not paired. One
        more takes the place of the oldest of the address that has the most.
    :ivar connections_per_address: likewise; a whole university may share one address.
    :ivar frames: over one connection, within `seconds`.
    :ivar greeting: seconds until the bridge has sent its hello.
    """

    connections: int = 1000
    connections_per_address: int = 50
    frames: int = 200
    seconds: float = 10.0
    greeting: float = GREETING_SECONDS


def bridge_routes(
    door: BridgeEndpoint,
    clock: Clock | None = None,
    limits: BridgeLimits | None = None,
    proxies: frozenset[str] = TRUSTED_PROXIES,
) -> list[web.RouteDef]:
    """The routes, for the public application."""
    pages = BridgeView(door, clock or _utc_now, limits or BridgeLimits(), proxies)
    return [web.get(DEFAULT_PATH, pages.handle, allow_head=False)]


class BridgeView:
    """Accepts websockets."""

    def __init__(
        self, door: BridgeEndpoint, clock: Clock, limits: BridgeLimits, proxies: frozenset[str]
    ) -> None:
        self._door = door
        self._clock = clock
        self._limits = limits
        self._proxies = proxies
        self._places = ConnectionPlaces(limits)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one bridge until it disconnects."""
        if "Origin" in request.headers:
            raise web.HTTPForbidden(text="This address is for the reader bridge only.\n")
        socket = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,),
            heartbeat=HEARTBEAT_SECONDS,
            max_msg_size=MAX_FRAME_BYTES + 1,  # aiohttp accepts what is smaller than this
            compress=False,
        )
        if not socket.can_prepare(request).ok:
            raise web.HTTPUpgradeRequired(headers={"Upgrade": "websocket"})
        await socket.prepare(request)
        if guard := request.app.get(GUARD):
            guard.release(request)
        address = client_address(request, self._proxies)
        if self._places.is_full(address, has_session=False):
            self._places.events.warn("bridge_turned_away", reason="address")
            await socket.send_str(encode_frame(ErrorMessage(ProtocolErrorCode.BUSY)))
        else:
            await self._serve(socket, address)
        await socket.close()
        return socket

    async def _serve(self, socket: web.WebSocketResponse, address: str) -> None:
        transport = WebSocketTransport(socket)
        connection = self._door.connect(transport, address, self._clock())
        place = ConnectionPlace(address, transport, connection)
        self._places.add(place)
        rate_limit = FrameRateLimit(self._limits)
        timeout: float | None = self._limits.greeting
        try:
            while True:
                message = await socket.receive(timeout)
                if message.type is not WSMsgType.TEXT:
                    if message.type is WSMsgType.BINARY:
                        transport.refuse(ProtocolErrorCode.BAD_MESSAGE)
                    break
                if not rate_limit.allows():
                    transport.refuse(ProtocolErrorCode.BUSY)
                    break
                had_session = connection.has_session
                await connection.receive(message.data, self._clock())
                if not had_session and connection.has_session:
                    self._places.on_welcome(place)
                if transport.is_closing:
                    break
                timeout = None
        except TimeoutError:
            transport.refuse(ProtocolErrorCode.BAD_MESSAGE)
        finally:
            self._places.discard(place)
            await connection.handle_disconnect(self._clock())
            await transport.finish()


@dataclass(frozen=True, eq=False)
class ConnectionPlace:
    """A connection that is being served."""

    address: str
    transport: "WebSocketTransport"
    connection: BridgeConnection


class ConnectionPlaces:
    """The places for connections that are not paired: those before their hello, and the others."""

    def __init__(self, limits: BridgeLimits) -> None:
        self.events = RepeatedEvents()
        self._limits = limits
        self._places: dict[ConnectionPlace, None] = {}  # the oldest first

    def add(self, place: ConnectionPlace) -> None:
        """Take a place; where there is none, the oldest of the address with most loses its."""
        self._make_room(has_session=False)
        self._places[place] = None

    def on_welcome(self, place: ConnectionPlace) -> None:
        """Move a connection to those that have said hello, where it is not paired."""
        if place.connection.is_paired:
            return
        self.discard(place)
        if self.is_full(place.address, has_session=True):
            place.transport.refuse(ProtocolErrorCode.BUSY)
        self._make_room(has_session=True)
        self._places[place] = None

    def discard(self, place: ConnectionPlace) -> None:
        """Free a place."""
        self._places.pop(place, None)

    def is_full(self, address: str, *, has_session: bool) -> bool:
        """Whether an address has as many places as one may have."""
        taken = sum(place.address == address for place in self._unpaired_places(has_session))
        return taken >= self._limits.connections_per_address

    def _make_room(self, *, has_session: bool) -> None:
        places = self._unpaired_places(has_session)
        if len(places) < self._limits.connections:
            return
        ((most, _),) = Counter(place.address for place in places).most_common(1)
        oldest = next(place for place in places if place.address == most)
        self.events.warn("bridge_turned_away", reason="full")
        oldest.transport.refuse(ProtocolErrorCode.BUSY)
        self.discard(oldest)

    def _unpaired_places(self, has_session: bool) -> list[ConnectionPlace]:
        return [
            place
            for place in self._places
            if place.connection.has_session is has_session and not place.connection.is_paired
        ]


class FrameRateLimit:
    """Limits the frames of one bridge, so that it cannot keep the process busy."""

    def __init__(self, limits: BridgeLimits, clock: Callable[[], float] = monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._since, self._count = clock(), 0

    def allows(self) -> bool:
        """Count a frame; `False` if there were too many."""
        now = self._clock()
        if now - self._since > self._limits.seconds:
            self._since, self._count = now, 0
        self._count += 1
        return self._count <= self._limits.frames


class WebSocketTransport:
    """Queues frames for one websocket, so that the hub never waits for it."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._frames: asyncio.Queue[str | None] = asyncio.Queue(_MAX_QUEUED_FRAMES)
        self.is_closing = False
        self._writer = OwnedTasks().start("bridge writer", self._write())

    def send(self, frame: str) -> None:
        """Queue a frame; see `FrameTransport.send`."""
        if self.is_closing:
            return
        try:
            self._frames.put_nowait(frame)
        except asyncio.QueueFull:
            self.is_closing = True
            self._writer.cancel()

    def refuse(self, code: ProtocolErrorCode) -> None:
        """Send an error and close."""
        self.send(encode_frame(ErrorMessage(code)))
        self.close()

    def close(self) -> None:
        """Close after the queued frames; see `FrameTransport.close`."""
        if self.is_closing:
            return
        self.is_closing = True
        try:
            self._frames.put_nowait(None)
        except asyncio.QueueFull:
            self._writer.cancel()

    async def finish(self) -> None:
        """Wait until the queued frames are sent or the time is up, and close."""
        self.close()
        await asyncio.wait((self._writer,), timeout=GREETING_SECONDS)
        self._writer.cancel()

    async def _write(self) -> None:
        try:
            while (frame := await self._frames.get()) is not None:
                await self._socket.send_str(frame)
        except ConnectionError:
            self.is_closing = True
        finally:
            with suppress(ConnectionError):
                await self._socket.close()


@asynccontextmanager
async def run_hub(
    hub: Hub, supervisor: Supervisor, clock: Clock | None = None
) -> AsyncIterator[None]:
    """Run a hub, and check its deadlines every second, while the block runs."""
    now = clock or _utc_now
    checking = supervisor.repeating(
        "bridge deadlines", lambda: hub.check_deadlines(now()), _CHECK_SECONDS
    )
    async with hub.running(now()), checking:
        yield


def _utc_now() -> datetime:
    return datetime.now(UTC)
