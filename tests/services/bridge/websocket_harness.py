"""The real hub, reached by real bridges over websockets of this machine.

What a chat does is done at the hub, and what a bridge says is the real one's: nothing is played.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import cycle, groupby
from pathlib import Path
from time import perf_counter
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric import rsa

from bot.web.bridge_websocket import BridgeLimits, bridge_routes
from bot.web.listeners import public_app, serve_app
from bot.wiring.embedded import VirtualCardMaker
from reader_bridge.protocol.limits import DEFAULT_PATH
from services.authority.ca.ca_key_file import CaParameters
from services.authority.ca.certificate_service import open_certificate_service
from services.authority.ca.publication import PublicationUrls
from services.authority.data_types import AuthorityOperation, Proof
from services.authority.embedded.certificates.register import EmbeddedCertificateRegister
from services.bridge.events import (
    BridgeEvent,
    BridgePaired,
    CardTaskEvent,
    CardTaskFailed,
    CardTaskSucceeded,
    CardTaskUnresolved,
    PairingOffered,
)
from services.bridge.hub import Hub
from services.bridge.interface import BridgeConnection, BridgeEndpoint, FrameTransport
from services.bridge.operations.card_task import CardTask
from services.formats.hidden import Hidden
from services.storage.database import Database
from tests.patience import PATIENCE
from tests.services.authority.authority_harness import CHAT, CHEAP, NOW, Applicant, AuthorityHarness

PASSPHRASE = "passphrase of the card"
_END = (CardTaskSucceeded, CardTaskFailed, CardTaskUnresolved)
_Event = TypeVar("_Event", bound=BridgeEvent)


@dataclass
class RecordingEndpoint:
    """Records every frame: `True` with those of the server, `False` with the bridge's.

    It is the hub's connection and the listener's transport at once, for one bridge at a time.
    """

    door: BridgeEndpoint
    frames: list[tuple[bool, str]] = field(default_factory=list)
    _connection: BridgeConnection = field(init=False)
    _transport: FrameTransport = field(init=False)

    def connect(
        self, transport: FrameTransport, address: str, now: datetime
    ) -> "RecordingEndpoint":
        self._transport = transport
        self._connection = self.door.connect(self, address, now)
        return self

    def send(self, frame: str) -> None:
        self.frames.append((True, frame))
        self._transport.send(frame)

    def close(self) -> None:
        self._transport.close()

    @property
    def has_session(self) -> bool:
        return self._connection.has_session

    @property
    def is_paired(self) -> bool:
        return self._connection.is_paired

    async def receive(self, text: str, now: datetime) -> None:
        self.frames.append((False, text))
        await self._connection.receive(text, now)

    async def handle_disconnect(self, now: datetime) -> None:
        await self._connection.handle_disconnect(now)

    @property
    def kinds(self) -> list[str]:
        """The messages' types, in the order in which they passed the server."""
        return [json.loads(frame)["type"] for _, frame in self.frames]

    @property
    def round_trips(self) -> int:
        """How often the server sent something and then waited for the bridge."""
        return sum(from_server for from_server, _ in groupby(way for way, _ in self.frames))


@dataclass(frozen=True)
class TaskOutcome:
    """How a task ended for its chat.

    :ivar seconds: from the chat's wish until it hears.
    """

    event: CardTaskEvent
    seconds: float


class HubChatDriver:
    """A chat at the hub, and the one card of its person.

    :ivar port: of the server.
    :ivar origin: as bridges dial it.
    :ivar at_end: called at the moment in which it hears that something came to its end.
    """

    def __init__(self, world: AuthorityHarness, someone: Applicant, port: int, origin: str) -> None:
        self.world, self.someone, self.port, self.origin = world, someone, port, origin
        self.at_end: Callable[[], object] = lambda: None
        self._events: asyncio.Queue[tuple[BridgeEvent, float]] = asyncio.Queue()
        self.hub = Hub(world.database, world.keys, world.authority, origin, self._hears)
        self.link = RecordingEndpoint(self.hub)

    def _hears(self, event: BridgeEvent) -> None:
        self._events.put_nowait((event, perf_counter()))
        if isinstance(event, _END):
            self.at_end()

    async def _until(self, *kinds: type[_Event]) -> tuple[_Event, float]:
        async with asyncio.timeout(PATIENCE):
            while True:
                event, at = await self._events.get()
                if isinstance(event, kinds):
                    return event, at

    async def code(self) -> str:
        """Return a new pairing code."""
        given = await self.hub.issue_pairing_code(CHAT, CHAT, "Anna Nguyễn", NOW)
        return given.code.reveal()

    async def pairs(self) -> None:
        """Confirm the words, once the code was typed at the PC."""
        await self._until(PairingOffered)
        await self.hub.answer_pairing(CHAT, NOW, accepted=True)
        await self._until(BridgePaired)
        self.link.frames.clear()

    async def grant(self, work: CardTask) -> str | None:
        """Return a grant, if the task needs one."""
        if work.purpose is None:
            return None
        return (await self.someone.obtain_grant(AuthorityOperation(work), Proof.CODE)).id

    async def run_task(self, work: CardTask, grant: str | None = None) -> TaskOutcome:
        """Run a task, and wait until it has succeeded."""
        await self.hub.flush()
        self.link.frames.clear()
        begun = perf_counter()
        operation_id = await self.hub.start(CHAT, work, NOW, grant)
        ended, at = await self._until(*_END)
        assert isinstance(ended, CardTaskSucceeded), ended
        assert ended.operation_id == operation_id
        return TaskOutcome(ended, at - begun)


@asynccontextmanager
async def open_authority(database: Database, folder: Path) -> AsyncIterator[AuthorityHarness]:
    """Open an authority that issues certificates and cards as the product does."""
    ca = CaParameters(key_bits=2048, cost=CHEAP)
    secret, publication = Hidden("of the authority's key"), PublicationUrls("http://127.0.0.1")
    service = await open_certificate_service(
        database, EmbeddedCertificateRegister(), folder / "ca.json", secret, publication, NOW, ca
    )
    world = AuthorityHarness(str(database.url), folder, signs_with=service.issuer)
    await world.close()
    world.open(database)
    world.maker = VirtualCardMaker()  # type: ignore[assignment]
    await world.authority.start(NOW)
    try:
        yield world
    finally:
        await service.crl.wait_for_refreshes()
        await world.close()


async def make_cardholder(world: AuthorityHarness) -> Applicant:
    """Return a person whose virtual card has arrived by post."""
    keys = cycle([rsa.generate_private_key(65537, 2048)])
    world.authority.card_issuer._generate_key = lambda: next(keys)
    someone = world.person()
    await someone.applies()
    await someone.pays()
    await someone.is_issued()
    await someone.is_posted()
    return someone


@asynccontextmanager
async def serve_hub(
    world: AuthorityHarness, someone: Applicant, proxy_port: int | None = None
) -> AsyncIterator[HubChatDriver]:
    """Serve the hub on a websocket.

    :param proxy_port: another port of this machine, from which they are led here.
    """
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    chat = HubChatDriver(world, someone, port, f"ws://127.0.0.1:{proxy_port or port}")
    routes = bridge_routes(chat.link, lambda: NOW, BridgeLimits(frames=1_000_000))
    async with chat.hub.running(NOW), serve_app(public_app(routes), "127.0.0.1", port):
        yield chat


def bridge_url(chat: HubChatDriver) -> str:
    """The URL that bridges connect to."""
    return chat.origin + DEFAULT_PATH
