"""The wire between a bridge and the server: every frame passes, is kept, and may be the last one.

It is a websocket at each side, so both ends speak over TCP as they always do.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import ClientWebSocketResponse, WSMsgType, web

from reader_bridge.client.websocket import ServerConnection, ServerConnector
from reader_bridge.protocol.limits import SUBPROTOCOL

PATH = "/bridge/v1"
Socket = web.WebSocketResponse | ClientWebSocketResponse
Forward = Callable[[], Awaitable[None]]
Message = dict[str, Any]


@dataclass
class Traffic:
    """How many frames of one link were sent, seen on the way, and dealt with."""

    server_sent: int = 0
    bridge_took: int = 0
    bridge_sent: int = 0
    server_took: int = 0

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is on its way."""
        return self.server_sent == self.bridge_took and self.bridge_sent == self.server_took


@dataclass
class Cable:
    """One link: its socket at each side."""

    bridge: web.WebSocketResponse
    server: ClientWebSocketResponse

    def cut(self, spare: Socket | None = None) -> None:
        """Let both TCP connections break; what was sent to `spare` still arrives there."""
        for socket in (self.bridge, self.server):
            transport = _transport(socket)
            if transport is None:
                continue
            if socket is spare:
                transport.close()
            else:
                transport.abort()


@dataclass
class Strike:
    """What happens at one message.

    :ivar at: at which, counting those of both sides.
    :ivar falls: does it; is given the link, who the message is for, and what carries it on.
    :ivar since: from which message on is counted.
    """

    at: int
    falls: Callable[[Cable, Socket, Forward], Awaitable[None]]
    since: Callable[[Message], bool] = lambda _: True
    count: int = 0
    counts: bool = False
    fell: bool = False

    def hits(self, frame: str) -> bool:
        """Count a message; tell whether it is the one."""
        message: Message = json.loads(frame)
        if not message.get("seq") or self.fell:
            return False
        self.counts = self.counts or self.since(message)
        self.count += self.counts
        self.fell = self.count == self.at
        return self.fell


@dataclass
class Proxy:
    """Stands between bridges and the server.

    :ivar frames: everything that passed, in order.
    :ivar is_open: while the server can be reached.
    :ivar news: told of every frame.
    """

    url: str
    upstream: str
    frames: list[str] = field(default_factory=list)
    traffic: Traffic = field(default_factory=Traffic)
    strike: Strike | None = None
    is_open: asyncio.Event = field(default_factory=asyncio.Event)
    news: Callable[[], None] = lambda: None

    async def carry(self, request: web.Request) -> web.WebSocketResponse:
        """Carry one link."""
        await self.is_open.wait()
        self.traffic = Traffic()
        bridge = web.WebSocketResponse(protocols=(SUBPROTOCOL,), max_msg_size=2**20, timeout=0.2)
        await bridge.prepare(request)
        timeout = aiohttp.ClientWSTimeout(ws_close=0.2)
        async with aiohttp.ClientSession() as session:
            server = await session.ws_connect(
                self.upstream, protocols=(SUBPROTOCOL,), max_msg_size=2**20, timeout=timeout
            )
            link = Cable(bridge, server)
            ways = (
                asyncio.ensure_future(self._way(link, server, bridge)),
                asyncio.ensure_future(self._way(link, bridge, server)),
            )
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            for result in await asyncio.gather(*ways, return_exceptions=True):
                if isinstance(result, Exception):
                    raise result
            await bridge.close()
        self.news()
        return bridge

    async def _way(self, link: Cable, source: Socket, target: Socket) -> None:
        async for message in source:
            if message.type is not WSMsgType.TEXT:
                return
            frame = str(message.data)
            self.frames.append(frame)
            with suppress(ConnectionError):

                async def forward(frame: str = frame) -> None:
                    await target.send_str(frame)

                if self.strike is not None and self.strike.hits(frame):
                    await self.strike.falls(link, target, forward)
                else:
                    await forward()
            self.news()


class CountedLink(ServerConnector):
    """A link whose frames are counted at the bridge."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(proxy.url)
        self._proxy = proxy

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[ServerConnection]:
        """Make a link, and end it."""
        async with super().connect() as wire:
            yield _CountedWire(wire, self._proxy)


class _CountedWire(ServerConnection):
    def __init__(self, wire: ServerConnection, proxy: Proxy) -> None:
        self._wire, self._proxy = wire, proxy
        self._traffic = proxy.traffic
        self._got = 0

    async def send(self, frame: str) -> None:
        self._traffic.bridge_sent += 1
        await self._wire.send(frame)

    async def receive(self) -> str:
        self._traffic.bridge_took = self._got  # who asks for the next one has dealt with those
        self._proxy.news()
        frame = await self._wire.receive()
        self._got += 1
        return frame

    async def close(self) -> None:
        await self._wire.close()


@asynccontextmanager
async def standing(port: int, upstream: int) -> AsyncIterator[Proxy]:
    """Have a proxy at a port of this machine, before a server at another."""
    proxy = Proxy(f"ws://127.0.0.1:{port}{PATH}", f"ws://127.0.0.1:{upstream}{PATH}")
    application = web.Application()
    application.router.add_get(PATH, proxy.carry)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield proxy
    finally:
        await runner.cleanup()


def _transport(socket: Socket) -> asyncio.Transport | None:
    if isinstance(socket, web.WebSocketResponse):
        return socket._req.transport if socket._req else None
    return socket._conn.transport if socket._conn else None
