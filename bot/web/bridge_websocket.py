"""The websocket for reader bridges on the public listener, and its protections.

Web pages must not connect, so a request with an ``Origin`` is refused. The size of frames is
limited, and so is the number of connections that are not paired, per address and in total; a
connection that does not answer a ping is closed. A paired bridge always finds a place, since it has
proved its pairing: connections before their hello make room for it, also those of its own address.
The frames themselves are handled by the hub.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

from aiohttp import WSMsgType, web

from bot import descriptors
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
CLOSING_SECONDS = 5.0
_OTHER_DESCRIPTORS = 700
"""What the rest of the process may need: other connections to the listener, the database, files."""

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class BridgeLimits:
    """Limits of the websocket.

    :ivar connections: at a time, of those before their hello, and of those that are not paired. One
        more takes the place of the oldest of the address that has the most.
    :ivar connections_per_address: likewise; a whole university may share one address. One more
        takes the place of the oldest before its hello; after it, it is turned away.
    :ivar frames: over one connection, within `seconds`.
    :ivar greeting: seconds until the bridge has sent its hello.
    :ivar heartbeat: seconds between two pings.
    :ivar closing: seconds that a bridge has to read the last frames and to answer the close.
    """

    connections: int = 1000
    connections_per_address: int = 50
    frames: int = 200
    seconds: float = 10.0
    greeting: float = GREETING_SECONDS
    heartbeat: float = HEARTBEAT_SECONDS
    closing: float = CLOSING_SECONDS

    @classmethod
    def fitting(cls, descriptors: int) -> "BridgeLimits":
        """Return the usual limits, or fewer connections where so many descriptors are too few."""
        places = (descriptors - _OTHER_DESCRIPTORS) // 2
        return cls(connections=min(cls.connections, max(cls.connections_per_address, places)))


def bridge_routes(
    door: BridgeEndpoint,
    clock: Clock | None = None,
    limits: BridgeLimits | None = None,
    proxies: frozenset[str] = TRUSTED_PROXIES,
) -> list[web.RouteDef]:
    """The routes, for the public application."""
    pages = BridgeView(
        door, clock or _utc_now, limits or BridgeLimits.fitting(descriptors.limit()), proxies
    )
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
            heartbeat=self._limits.heartbeat,
            timeout=self._limits.closing,
            max_msg_size=MAX_FRAME_BYTES + 1,  # aiohttp accepts what is smaller than this
            compress=False,
        )
        if not socket.can_prepare(request).ok:
            raise web.HTTPUpgradeRequired(headers={"Upgrade": "websocket"})
        await socket.prepare(request)
        if guard := request.app.get(GUARD):
            guard.release(request)
        transport = WebSocketTransport(socket, request.transport, self._limits.closing)
        address = client_address(request, self._proxies)
        connection = self._door.connect(transport, address, self._clock())
        place = ConnectionPlace(address, transport, connection)
        self._places.add(place)
        try:
            await self._serve(socket, place)
            await socket.close()
        finally:
            self._places.discard(place)
        return socket

    async def _serve(self, socket: web.WebSocketResponse, place: "ConnectionPlace") -> None:
        connection, transport = place.connection, place.transport
        rate_limit = FrameRateLimit(self._limits)
        greeting_end = asyncio.get_running_loop().time() + self._limits.greeting
        try:
            while True:
                # a timeout given to `receive` would begin again at every ping
                async with asyncio.timeout_at(None if connection.has_session else greeting_end):
                    message = await socket.receive()
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
        except TimeoutError:
            transport.refuse(ProtocolErrorCode.BAD_MESSAGE)
        finally:
            await connection.handle_disconnect(self._clock())
            await transport.finish()


@dataclass(frozen=True, eq=False)
class ConnectionPlace:
    """A connection that is being served, or closed."""

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
        self._cut_closing(place.address)
        if self._is_full(place.address, has_session=False):
            self._turn_away_oldest(place.address, has_session=False)
        self._make_room(has_session=False)
        self._places[place] = None

    def on_welcome(self, place: ConnectionPlace) -> None:
        """Move a connection to those that have said hello, where it is not paired."""
        if place.connection.is_paired:
            return
        self.discard(place)
        if self._is_full(place.address, has_session=True):
            self.events.warn("bridge_turned_away", reason="address")
            place.transport.refuse(ProtocolErrorCode.BUSY)
        else:
            self._make_room(has_session=True)
        self._places[place] = None

    def discard(self, place: ConnectionPlace) -> None:
        """Free a place."""
        self._places.pop(place, None)

    def _is_full(self, address: str, *, has_session: bool) -> bool:
        """Whether an address has as many places as one may have."""
        taken = sum(place.address == address for place in self._places_with(has_session))
        return taken >= self._limits.connections_per_address

    def _make_room(self, *, has_session: bool) -> None:
        places = self._places_with(has_session)
        if len(places) >= self._limits.connections:
            ((most, _),) = Counter(place.address for place in places).most_common(1)
            self._turn_away_oldest(most, has_session=has_session)

    def _cut_closing(self, address: str) -> None:
        """Cut the oldest of those whose peer has not answered the close, where they are many."""
        closing = [place for place in self._places if place.transport.is_closing]
        of_address = [place for place in closing if place.address == address]
        if len(of_address) >= self._limits.connections_per_address:
            of_address[0].transport.cut()
        if len(closing) >= self._limits.connections:
            closing[0].transport.cut()

    def _turn_away_oldest(self, address: str, *, has_session: bool) -> None:
        oldest = next(place for place in self._places_with(has_session) if place.address == address)
        self.events.warn("bridge_turned_away", reason="full")
        oldest.transport.refuse(ProtocolErrorCode.BUSY)

    def _places_with(self, has_session: bool) -> list[ConnectionPlace]:
        return [
            place
            for place in self._places
            if place.connection.has_session is has_session
            and not place.connection.is_paired
            and not place.transport.is_closing
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
    """Queues frames for one websocket, so that the hub never waits for it.

    :param connection: beneath the websocket.
    :param closing_seconds: how long the last frames and the close may take; then the connection is
        cut, which a peer that reads nothing would hold otherwise.
    """

    def __init__(
        self,
        socket: web.WebSocketResponse,
        connection: asyncio.Transport | None,
        closing_seconds: float = CLOSING_SECONDS,
    ) -> None:
        self._socket = socket
        self._connection = connection
        self._closing_seconds = closing_seconds
        self._frames: asyncio.Queue[str | None] = asyncio.Queue(_MAX_QUEUED_FRAMES)
        self.is_closing = False
        self._writer = OwnedTasks().start("bridge writer", self._write())

    def send(self, frame: str) -> None:
        """Queue a frame; see `FrameTransport.send`."""
        if not self.is_closing:
            self._queue(frame)

    def refuse(self, code: ProtocolErrorCode) -> None:
        """Send an error and close."""
        self.send(encode_frame(ErrorMessage(code)))
        self.close()

    def close(self) -> None:
        """Close after the queued frames; see `FrameTransport.close`."""
        if not self.is_closing:
            self._begin_closing()
            self._queue(None)

    def cut(self) -> None:
        """End the connection without a word."""
        if self._connection is not None:
            self._connection.abort()

    def _queue(self, frame: str | None) -> None:
        try:
            self._frames.put_nowait(frame)
        except asyncio.QueueFull:
            self._begin_closing()
            self._writer.cancel()

    def _begin_closing(self) -> None:
        self.is_closing = True
        asyncio.get_running_loop().call_later(self._closing_seconds, self.cut)

    async def finish(self) -> None:
        """Wait until the queued frames are sent or the time is up, and close."""
        self.close()
        await asyncio.wait((self._writer,), timeout=self._closing_seconds)
        self._writer.cancel()

    async def _write(self) -> None:
        try:
            while (frame := await self._frames.get()) is not None:
                await self._socket.send_str(frame)
        except ConnectionError:
            self._begin_closing()
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
