"""A proxy between bridge and server that records every frame and can fail at any of them.

It has a websocket at each side, so both ends use TCP as usual.
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
    """How many frames of a link were sent and handled, by side."""

    server_sent: int = 0
    bridge_handled: int = 0
    bridge_sent: int = 0
    server_handled: int = 0

    @property
    def is_quiet(self) -> bool:
        """Whether no frame is on its way."""
        return self.server_sent == self.bridge_handled and self.bridge_sent == self.server_handled


@dataclass
class ProxiedLink:
    """A link: its socket at each side."""

    bridge: web.WebSocketResponse
    server: ClientWebSocketResponse

    def cut(self, spare: Socket | None = None) -> None:
        """Break both TCP connections; what was sent to `spare` still arrives there."""
        for socket in (self.bridge, self.server):
            transport = _transport(socket)
            if transport is None:
                continue
            if socket is spare:
                transport.close()
            else:
                transport.abort()


@dataclass
class FrameFault:
    """A fault at one message.

    :ivar at: the number of the message, counting both sides.
    :ivar action: the fault; takes the link, the target of the message, and what forwards it.
    :ivar since: counting starts with the message for which this is true.
    """

    at: int
    action: Callable[[ProxiedLink, Socket, Forward], Awaitable[None]]
    since: Callable[[Message], bool] = lambda _: True
    count: int = 0
    is_counting: bool = False
    has_struck: bool = False

    def matches(self, frame: str) -> bool:
        """Count a message and return whether it is the one."""
        message: Message = json.loads(frame)
        if not message.get("seq") or self.has_struck:
            return False
        self.is_counting = self.is_counting or self.since(message)
        self.count += self.is_counting
        self.has_struck = self.count == self.at
        return self.has_struck


@dataclass
class FrameProxy:
    """The proxy between bridges and the server.

    :ivar frames: everything that passed, in order.
    :ivar is_open: set while the server can be reached.
    :ivar on_frame: called after every frame.
    :ivar link: the newest link.
    """

    url: str
    upstream: str
    frames: list[str] = field(default_factory=list)
    traffic: Traffic = field(default_factory=Traffic)
    fault: FrameFault | None = None
    is_open: asyncio.Event = field(default_factory=asyncio.Event)
    on_frame: Callable[[], None] = lambda: None
    link: ProxiedLink | None = None

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Forward the frames of one link."""
        await self.is_open.wait()
        self.traffic = Traffic()
        bridge = web.WebSocketResponse(protocols=(SUBPROTOCOL,), max_msg_size=2**20, timeout=0.2)
        with suppress(ConnectionError):
            await bridge.prepare(request)
        if not bridge.prepared:
            return bridge
        timeout = aiohttp.ClientWSTimeout(ws_close=0.2)
        async with aiohttp.ClientSession() as session:
            server = await session.ws_connect(
                self.upstream, protocols=(SUBPROTOCOL,), max_msg_size=2**20, timeout=timeout
            )
            link = self.link = ProxiedLink(bridge, server)
            ways = (
                asyncio.ensure_future(self._forward(link, server, bridge)),
                asyncio.ensure_future(self._forward(link, bridge, server)),
            )
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            for result in await asyncio.gather(*ways, return_exceptions=True):
                if isinstance(result, Exception):
                    raise result
            await bridge.close()
        self.on_frame()
        return bridge

    async def _forward(self, link: ProxiedLink, source: Socket, target: Socket) -> None:
        async for message in source:
            if message.type is not WSMsgType.TEXT:
                return
            frame = str(message.data)
            self.frames.append(frame)
            with suppress(ConnectionError):

                async def forward(frame: str = frame) -> None:
                    await target.send_str(frame)

                if self.fault is not None and self.fault.matches(frame):
                    await self.fault.action(link, target, forward)
                else:
                    await forward()
            self.on_frame()


class CountingConnector(ServerConnector):
    """A connector that counts frames at the bridge."""

    def __init__(self, proxy: FrameProxy) -> None:
        super().__init__(proxy.url)
        self._proxy = proxy

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[ServerConnection]:
        """Open a connection for the duration of a `with` block."""
        async with super().connect() as wire:
            yield _CountingServerConnection(wire, self._proxy)


class _CountingServerConnection(ServerConnection):
    def __init__(self, wire: ServerConnection, proxy: FrameProxy) -> None:
        self._wire, self._proxy = wire, proxy
        self._traffic = proxy.traffic
        self._got = 0

    async def send(self, frame: str) -> None:
        self._traffic.bridge_sent += 1
        await self._wire.send(frame)

    async def receive(self) -> str:
        self._traffic.bridge_handled = self._got  # who asks for the next one has dealt with those
        self._proxy.on_frame()
        frame = await self._wire.receive()
        self._got += 1
        return frame

    async def close(self) -> None:
        await self._wire.close()


@asynccontextmanager
async def run_frame_proxy(port: int, upstream: int) -> AsyncIterator[FrameProxy]:
    """Run a proxy at a port, in front of a server at another."""
    proxy = FrameProxy(f"ws://127.0.0.1:{port}{PATH}", f"ws://127.0.0.1:{upstream}{PATH}")
    application = web.Application()
    application.router.add_get(PATH, proxy.handle)
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
