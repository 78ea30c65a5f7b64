"""Everything from the chat to the card: the bot, its bridge, a proxy, and PCs."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.bridge.events import CardTaskSucceeded, CardTaskValue
from services.bridge.operations.card_task import CardTask
from tests.bot_harness import BotHarness, ChatUser
from tests.handlers.conversations.online.bridge_harness import BridgeHarness
from tests.handlers.conversations.online.cardholders import Office
from tests.reader_bridge.end_to_end.frame_proxy import FrameProxy, run_frame_proxy
from tests.reader_bridge.end_to_end.server_process import ServerProcess, run_server_process


@dataclass
class WholeSystem:
    """The bot, and the proxy between it and the PCs."""

    cards: BridgeHarness
    process: ServerProcess
    proxy: FrameProxy

    async def run_task(self, person: ChatUser, work: CardTask) -> CardTaskValue:
        """Have the hub run a task that no conversation starts by itself."""
        hub, events = self.process.bridge.hub, self.process.events
        operation = await hub.start(person.person.id, work, self.cards.now)
        found: list[CardTaskSucceeded] = []

        def is_done() -> bool:
            found[:] = [
                e
                for e in events
                if isinstance(e, CardTaskSucceeded) and e.operation_id == operation
            ]
            return bool(found)

        await self.cards.wait_until(is_done)
        return found[0].value


@asynccontextmanager
async def run_whole_system(harness: BotHarness, office: Office) -> AsyncIterator[WholeSystem]:
    """Run it on two free ports: bridges dial the first, the server listens at the second."""
    ports = [_free_port() for _ in range(2)]
    origin = f"ws://127.0.0.1:{ports[0]}"
    async with (
        run_frame_proxy(*ports) as proxy,
        run_server_process(harness, proxy, origin, ports[1]) as process,
    ):
        cards = BridgeHarness(harness, process.bridge, office, origin)
        proxy.on_frame = cards.activity.set
        yield WholeSystem(cards, process, proxy)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port
