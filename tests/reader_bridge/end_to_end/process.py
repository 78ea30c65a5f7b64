"""The bot's bridge as a process with several lives: killed, and started anew on its database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from bot.telegram.application import App
from bot.web import listeners
from bot.web.bridge import bridge_routes
from bot.wiring.bridge import Bridge
from handlers.conversations.pair import BRIDGE
from services.bridge.hub import Hub
from services.bridge.interface import Connection, Transport
from tests.chat import Stage
from tests.handlers.clock import current_time
from tests.reader_bridge.end_to_end.wire import Proxy, Traffic


class _Life:
    """What one process has of the bot: after its death nobody hears of it any more."""

    def __init__(self, application: App) -> None:
        self._application = application
        self.is_over = False
        self.events: list[object] = []
        self.bot_data = application.bot_data

    @property
    def update_queue(self) -> "_Life":
        return self

    def put_nowait(self, event: object) -> None:
        if not self.is_over:
            self.events.append(event)
            self._application.update_queue.put_nowait(event)


class _Nobody:
    """Hears the events of a process that is dead."""

    async def on_event(self, _event: object, _context: object) -> None:
        pass


@dataclass
class _Door:
    """Where websockets come to, whichever process is behind it; counts what is dealt with."""

    proxy: Proxy
    hub: Hub
    connections: int = 0
    empty: asyncio.Event = field(default_factory=asyncio.Event)

    def connect(self, transport: Transport, address: str, now: datetime) -> Connection:
        self.connections += 1
        self.empty.clear()
        counted = _Transport(transport, self.proxy.traffic)
        return _Connection(self, self.hub.connect(counted, address, now), self.proxy.traffic)


class _Transport:
    def __init__(self, transport: Transport, traffic: Traffic) -> None:
        self._transport, self._traffic = transport, traffic

    def send(self, frame: str) -> None:
        self._traffic.server_sent += 1
        self._transport.send(frame)

    def close(self) -> None:
        self._transport.close()


class _Connection:
    def __init__(self, door: _Door, connection: Connection, traffic: Traffic) -> None:
        self._door, self._connection, self._traffic = door, connection, traffic

    async def receive(self, text: str, now: datetime) -> None:
        try:
            await self._connection.receive(text, now)
        finally:
            self._traffic.server_took += 1
            self._door.proxy.news()

    async def lost(self, now: datetime) -> None:
        await self._connection.lost(now)
        self._door.connections -= 1
        if not self._door.connections:
            self._door.empty.set()


class Process:
    """The server's part, in lives."""

    def __init__(self, stage: Stage, proxy: Proxy, origin: str) -> None:
        self._stage, self._proxy, self._origin = stage, proxy, origin
        self._alive = AsyncExitStack()
        self._life: _Life | None = None
        self.bridge: Bridge
        self.door: _Door

    async def begin(self) -> None:
        """Begin a life."""
        kaika = self._stage.kaika
        data = kaika.application.bot_data
        self._life = _Life(kaika.application)
        self.bridge = Bridge(
            kaika.database,
            kaika.keys,
            data["services"].authority,
            self._origin,
            cast(Any, self._life),
        )
        data["conversations"] = {**data["conversations"], **self.bridge.conversations()}
        await self._alive.enter_async_context(self.bridge.running())
        self.door.hub = self.bridge.hub
        self._proxy.is_open.set()

    def die(self) -> None:
        """End at once: nothing is said to anybody any more."""
        assert self._life is not None
        self._proxy.is_open.clear()
        self._life.is_over = True
        self._stage.kaika.application.bot_data[BRIDGE] = _Nobody()

    async def is_buried(self) -> None:
        """Wait until nothing is left of a life that ended."""
        await self.door.empty.wait()
        await self._alive.aclose()

    @property
    def events(self) -> list[object]:
        """What the chats were told in this life."""
        assert self._life is not None
        return self._life.events

    @property
    def is_dead(self) -> bool:
        """Whether it died, and was not begun anew."""
        return self._life is None or self._life.is_over


@asynccontextmanager
async def serving(stage: Stage, proxy: Proxy, origin: str, port: int) -> AsyncIterator[Process]:
    """Have the server at a port of this machine."""
    process = Process(stage, proxy, origin)
    process.door = _Door(proxy, cast(Any, None))
    await process.begin()
    routes = bridge_routes(process.door, lambda: current_time(stage))
    async with listeners.listening(listeners.public_app(routes), "127.0.0.1", port):
        try:
            yield process
        finally:
            await process._alive.aclose()
