"""The door for reader bridges on the public listener: a websocket, and what it is protected by.

Bridges dial; a web page must not, so a request with an ``Origin`` is refused. A frame is capped,
a link that does not answer a ping is dropped, and connections are counted, for each address and
all together. What is said is the hub's business.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

import structlog
from aiohttp import WSMsgType, web
from sqlalchemy.exc import SQLAlchemyError

from bot.jobs.periodic import repeated
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
from services.bridge.interface import BridgeDoor
from services.bridge.pairing.codes import counted_address

PROXIES = frozenset({"127.0.0.1", "::1"})
"""Whose ``X-Forwarded-For`` is believed: a proxy with TLS on this machine."""
_TEND_SECONDS = 1.0
_MOST_WAITING = 256
"""Frames for one bridge that it does not take; then it is dropped."""

Clock = Callable[[], datetime]
_log = structlog.get_logger()


@dataclass(frozen=True)
class Limits:
    """How much is taken.

    :ivar connections: at a time.
    :ivar of_address: at a time, from one address; a university may sit behind one.
    :ivar frames: over one connection, within `seconds`.
    :ivar greeting: seconds until the bridge has said its hello.
    """

    connections: int = 1000
    of_address: int = 50
    frames: int = 200
    seconds: float = 10.0
    greeting: float = GREETING_SECONDS


def bridge_routes(
    door: BridgeDoor,
    clock: Clock | None = None,
    limits: Limits | None = None,
    proxies: frozenset[str] = PROXIES,
) -> list[web.RouteDef]:
    """Give the routes, for the public application."""
    pages = BridgePages(door, clock or _utc_now, limits or Limits(), proxies)
    return [web.get(DEFAULT_PATH, pages.dialled, allow_head=False)]


class BridgePages:
    """Takes websockets in."""

    def __init__(
        self, door: BridgeDoor, clock: Clock, limits: Limits, proxies: frozenset[str]
    ) -> None:
        self._door = door
        self._clock = clock
        self._limits = limits
        self._proxies = proxies
        self._open: Counter[str] = Counter()

    async def dialled(self, request: web.Request) -> web.StreamResponse:
        """Be there for one bridge, until it goes."""
        if "Origin" in request.headers:
            raise web.HTTPForbidden(text="This address is for the reader bridge only.\n")
        socket = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,),
            heartbeat=HEARTBEAT_SECONDS,
            max_msg_size=MAX_FRAME_BYTES + 1,  # aiohttp takes what is smaller than this
            compress=False,
        )
        if not socket.can_prepare(request).ok:
            raise web.HTTPUpgradeRequired(headers={"Upgrade": "websocket"})
        await socket.prepare(request)
        address = self._address(request)
        with self._counted(address) as room:
            if room:
                await self._serve(socket, address)
            else:
                await socket.send_str(encode_frame(ErrorMessage(ProtocolErrorCode.BUSY)))
        await socket.close()
        return socket

    async def _serve(self, socket: web.WebSocketResponse, address: str) -> None:
        transport = SocketTransport(socket)
        connection = self._door.connect(transport, address, self._clock())
        pace = Pace(self._limits)
        patience: float | None = self._limits.greeting
        try:
            while True:
                message = await socket.receive(patience)
                if message.type is not WSMsgType.TEXT:
                    if message.type is WSMsgType.BINARY:
                        transport.refuse(ProtocolErrorCode.BAD_MESSAGE)
                    break
                if not pace.allows():
                    transport.refuse(ProtocolErrorCode.BUSY)
                    break
                await connection.receive(message.data, self._clock())
                if transport.is_closing:
                    break
                patience = None
        except TimeoutError:
            transport.refuse(ProtocolErrorCode.BAD_MESSAGE)
        finally:
            await connection.lost(self._clock())
            await transport.finish()

    @contextmanager
    def _counted(self, address: str) -> Iterator[bool]:
        limits = self._limits
        full = self._open.total() >= limits.connections
        room = not full and self._open[address] < limits.of_address
        if not room:
            _log.warning("bridge_turned_away", reason="full" if full else "address")
        self._open[address] += 1
        try:
            yield room
        finally:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]

    def _address(self, request: web.Request) -> str:
        """Give where a bridge dials from; behind our proxy, what that says."""
        address = request.remote or ""
        if address in self._proxies:
            hops = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
            address = hops[-1].strip() or address
        return counted_address(address)


class Pace:
    """Counts frames, so that one bridge cannot keep the process busy."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._since, self._count = clock(), 0

    def allows(self) -> bool:
        """Count a frame; `False` where there were too many."""
        now = self._clock()
        if now - self._since > self._limits.seconds:
            self._since, self._count = now, 0
        self._count += 1
        return self._count <= self._limits.frames


class SocketTransport:
    """One websocket (`services.bridge.interface.Transport`): frames wait here, never the hub."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._frames: asyncio.Queue[str | None] = asyncio.Queue(_MOST_WAITING)
        self.is_closing = False
        self._writer = asyncio.create_task(self._write(), name="bridge writer")

    def send(self, frame: str) -> None:
        """Carry out `Transport.send`."""
        if self.is_closing:
            return
        try:
            self._frames.put_nowait(frame)
        except asyncio.QueueFull:
            self.is_closing = True
            self._writer.cancel()

    def refuse(self, code: ProtocolErrorCode) -> None:
        """Say a last word and close it."""
        self.send(encode_frame(ErrorMessage(code)))
        self.close()

    def close(self) -> None:
        """Carry out `Transport.close`."""
        if self.is_closing:
            return
        self.is_closing = True
        try:
            self._frames.put_nowait(None)
        except asyncio.QueueFull:
            self._writer.cancel()

    async def finish(self) -> None:
        """Send what waits, as far as the bridge takes it, and close."""
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
async def tended(hub: Hub, clock: Clock | None = None) -> AsyncIterator[None]:
    """Have a hub open, and tended every second, while the block runs."""
    now = clock or _utc_now
    tending = repeated(lambda: _tend(hub, now()), _TEND_SECONDS, "bridge tending")
    async with hub.open(now()), tending:
        yield


async def _tend(hub: Hub, now: datetime) -> None:
    try:
        await hub.tend(now)
    except SQLAlchemyError as error:
        _log.error("bridge_not_tended", error=type(error).__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)
