"""The bot's bridge as a process that can be killed and restarted on its database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from bot.web import listeners
from bot.web.bridge_websocket import BridgeLimits, bridge_routes
from bot.wiring.application import KaikaApplication
from bot.wiring.bridge import BridgeRuntime
from handlers.conversations.pair import BRIDGE
from services.bridge.hub import Hub
from services.bridge.interface import BridgeConnection, FrameTransport
from tests.bot_harness import BotHarness
from tests.handlers.clock import current_time
from tests.reader_bridge.end_to_end.frame_proxy import FrameProxy, Traffic
from tests.strict_supervisor import strict_supervisor


class _ProcessLife:
    """The bot as one life of the process sees it; after its end events go nowhere."""

    def __init__(self, application: KaikaApplication) -> None:
        self._application = application
        self.is_over = False
        self.events: list[object] = []
        self.bot_data = application.bot_data

    @property
    def update_queue(self) -> "_ProcessLife":
        return self

    def put_nowait(self, event: object) -> None:
        if not self.is_over:
            self.events.append(event)
            self._application.update_queue.put_nowait(event)


class _IgnoringHandler:
    """Handles the events of a process that was killed, by ignoring them."""

    async def on_event(self, _event: object, _context: object) -> None:
        pass


@dataclass
class _CountingHub:
    """The hub of the current process, counting frames and connections."""

    proxy: FrameProxy
    hub: Hub
    connections: int = 0
    empty: asyncio.Event = field(default_factory=asyncio.Event)

    def connect(self, transport: FrameTransport, address: str, now: datetime) -> BridgeConnection:
        self.connections += 1
        self.empty.clear()
        counted = _CountingTransport(transport, self.proxy.traffic)
        return _CountingConnection(
            self, self.hub.connect(counted, address, now), self.proxy.traffic
        )


class _CountingTransport:
    def __init__(self, transport: FrameTransport, traffic: Traffic) -> None:
        self._transport, self._traffic = transport, traffic

    def send(self, frame: str) -> None:
        self._traffic.server_sent += 1
        self._transport.send(frame)

    def close(self) -> None:
        self._transport.close()


class _CountingConnection:
    def __init__(self, door: _CountingHub, connection: BridgeConnection, traffic: Traffic) -> None:
        self._door, self._connection, self._traffic = door, connection, traffic

    @property
    def has_session(self) -> bool:
        return self._connection.has_session

    @property
    def is_paired(self) -> bool:
        return self._connection.is_paired

    async def receive(self, text: str, now: datetime) -> None:
        try:
            await self._connection.receive(text, now)
        finally:
            self._traffic.server_handled += 1
            self._door.proxy.on_frame()

    async def handle_disconnect(self, now: datetime) -> None:
        await self._connection.handle_disconnect(now)
        self._door.connections -= 1
        if not self._door.connections:
            self._door.empty.set()


class ServerProcess:
    """The server's part, which can be killed and restarted."""

    def __init__(self, harness: BotHarness, proxy: FrameProxy, origin: str) -> None:
        self._stage, self._proxy, self._origin = harness, proxy, origin
        self._alive = AsyncExitStack()
        self._life: _ProcessLife | None = None
        self.bridge: BridgeRuntime
        self.hub_counter: _CountingHub

    async def start(self) -> None:
        """Start a new life."""
        kaika = self._stage.kaika
        data = kaika.application.bot_data
        self._life = _ProcessLife(kaika.application)
        self.bridge = BridgeRuntime(
            kaika.database,
            kaika.keys,
            data["services"].authority,
            self._origin,
            cast(Any, self._life),
        )
        await self._alive.enter_async_context(self.bridge.running(strict_supervisor()))
        await self.bridge.announce_restart()
        self.hub_counter.hub = self.bridge.hub
        self._proxy.is_open.set()

    def kill(self) -> None:
        """End immediately; nothing is sent any more."""
        assert self._life is not None
        self._proxy.is_open.clear()
        self._life.is_over = True
        self._stage.kaika.application.bot_data[BRIDGE] = _IgnoringHandler()

    async def wait_cleaned_up(self) -> None:
        """Wait until nothing is left of the life that ended."""
        await self.hub_counter.empty.wait()
        await self._alive.aclose()

    @property
    def events(self) -> list[object]:
        """The events of this life."""
        assert self._life is not None
        return self._life.events

    @property
    def is_dead(self) -> bool:
        """Whether it was killed and not restarted."""
        return self._life is None or self._life.is_over


@asynccontextmanager
async def run_server_process(
    harness: BotHarness, proxy: FrameProxy, origin: str, port: int
) -> AsyncIterator[ServerProcess]:
    """Run the server at a port of this machine."""
    process = ServerProcess(harness, proxy, origin)
    process.hub_counter = _CountingHub(proxy, cast(Any, None))
    await process.start()
    limits = BridgeLimits(frames=100_000)  # operations follow each other faster than with people
    routes = bridge_routes(process.hub_counter, lambda: current_time(harness), limits)
    async with listeners.serve_app(listeners.public_app(routes), "127.0.0.1", port):
        try:
            yield process
        finally:
            await process._alive.aclose()
