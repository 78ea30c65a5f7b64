"""Everything from the chat to the card: the bot, its bridge, a wire, a PC."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.bridge.events import Done, Outcome
from services.bridge.operations.task import Work
from tests.chat import Stage, Subscriber
from tests.handlers.conversations.online.bridge_stage import BridgeStage
from tests.handlers.conversations.online.cardholders import Office
from tests.reader_bridge.end_to_end.process import Process, serving
from tests.reader_bridge.end_to_end.wire import Proxy, standing


@dataclass
class Whole:
    """The bot, and what is between it and the PCs."""

    cards: BridgeStage
    process: Process
    proxy: Proxy

    async def asked(self, person: Subscriber, work: Work) -> Outcome:
        """Have the chat's hub ask for what no conversation asks for by itself."""
        hub, events = self.process.bridge.hub, self.process.events
        operation = await hub.start(person.person.id, work, self.cards.now)
        found: list[Done] = []

        def is_done() -> bool:
            found[:] = [e for e in events if isinstance(e, Done) and e.operation_id == operation]
            return bool(found)

        await self.cards.wait_until(is_done)
        return found[0].value


@asynccontextmanager
async def whole_bridge(stage: Stage, office: Office) -> AsyncIterator[Whole]:
    """Have it all, on two free ports: bridges dial the first, the server is at the second."""
    ports = [_free_port() for _ in range(2)]
    origin = f"ws://127.0.0.1:{ports[0]}"
    async with standing(*ports) as proxy, serving(stage, proxy, origin, ports[1]) as process:
        cards = BridgeStage(stage, process.bridge, office, origin)
        proxy.news = cards.activity.set
        yield Whole(cards, process, proxy)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port
