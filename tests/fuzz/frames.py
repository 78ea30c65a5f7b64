"""Frames of the bridge's protocol, to the server and to the bridge.

An input's first line says how far the session has come; the others are frames. In them, marks
stand for what only the session knows.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiohttp import WSMessage, WSMsgType
from hypothesis import strategies as st

from reader_bridge.client.client import BridgeClient
from reader_bridge.client.session import ServerSession
from reader_bridge.client.websocket import ServerConnection
from reader_bridge.protocol import encode_frame
from reader_bridge.protocol.enums import PinPurpose
from reader_bridge.protocol.messages import (
    BRIDGE_MESSAGES,
    SERVER_MESSAGES,
    UNNUMBERED,
    Message,
)
from reader_bridge.protocol.operation_payloads import ReadCardStatus, SetPin
from reader_bridge.virtual_card.reader import VirtualReader
from services.bridge.operations.card_task import CardTask
from services.storage.database import Database
from services.storage.upgrade import upgrade
from tests.fuzz.boundary import Boundary, Feed
from tests.fuzz.json_mutation import mutated
from tests.reader_bridge.card.card_issuer import SERIAL, CardTestAuthority
from tests.reader_bridge.client.conftest import scripted_person
from tests.reader_bridge.protocol.test_messages import objects
from tests.reader_bridge.scripted_server import CODE as CODE_TYPED
from tests.reader_bridge.scripted_server import BridgeLink
from tests.services.authority.authority_harness import CHAT, NOW, AuthorityHarness, fast_folder
from tests.services.bridge.hostile_bridge import HostileBridge, make_active_card
from tests.services.bridge.hub_harness import HubHarness
from tests.services.bridge.reference_bridge import FakeTransport, ReferenceBridge
from tests.services.bridge.reference_card import CertifyingIssuer, ReferenceCard

NEXT_NUMBER, OPERATION, CODE = "#", "$operation", "$code"
NEW, GREETED, PAIRED, WORKING, SETTING_PIN = "new", "greeted", "paired", "working", "setting"
STATES = (NEW, GREETED, PAIRED, WORKING, SETTING_PIN)
_BYSTANDER, _BYSTANDER_EVERY = 7007, 50
_MOST_FRAMES = 20
_TURNS = 3
"""Turns of the loop in which the bridge does what a frame asks without waiting for a thread."""


@st.composite
def frames(draw: st.DrawFn, kinds: Mapping[str, type[Message]]) -> str:
    """A frame with a message of a kind, seldom in order."""
    kind = draw(st.sampled_from(sorted(kinds)))
    message = draw(objects(kinds[kind]))
    number = 0 if kinds[kind] in UNNUMBERED else 1
    values: dict[str, Any] = json.loads(encode_frame(message, number))
    if number:
        values["seq"] = NEXT_NUMBER
    if "operation_id" in values:
        values["operation_id"] = OPERATION
    if kind == "pair":
        values["code"] = CODE
    return json.dumps(draw(st.just(values) | mutated([values])))


def inputs(kinds: Mapping[str, type[Message]]) -> st.SearchStrategy[bytes]:
    """Return inputs with frames of some kinds."""
    return st.builds(
        lambda state, lines: "\n".join([state, *lines]).encode(errors="surrogatepass"),
        st.sampled_from(STATES),
        st.lists(frames(kinds) | st.text(max_size=40), max_size=6),
    )


def list_seeds(kinds: Iterable[str]) -> list[bytes]:
    """Return an input for each kind of message and state, with nothing but its type."""
    return [
        f'{state}\n{{"type":"{kind}","seq":"{NEXT_NUMBER}"}}'.encode()
        for state in STATES
        for kind in kinds
    ]


def split(data: bytes) -> tuple[str, list[str]]:
    """Return state and frames of an input."""
    state, *lines = data.decode(errors="replace").split("\n")
    return state, lines[:_MOST_FRAMES]


def fill_in(frame: str, number: int, operation: str, code: str) -> str:
    """Return a frame with the marks filled in."""
    frame = frame.replace(f'"{NEXT_NUMBER}"', str(number))
    return frame.replace(OPERATION, operation).replace(CODE, code)


# ---- to the server


class FuzzedHub:
    """A hub, somebody with an active card, and a bridge that sends inputs."""

    def __init__(self, harness: HubHarness, card: ReferenceCard, applicant: Any) -> None:
        self.harness, self.card, self.applicant = harness, card, applicant
        self.inputs = 0

    async def feed(self, data: bytes) -> None:
        """Send the frames of one input."""
        harness = self.harness
        harness.now += timedelta(hours=1)
        await harness.hub.check_deadlines(harness.now)
        state, lines = split(data)
        pc = HostileBridge(harness, self.card)
        before = len(await harness.releases())
        code = await self._set_up(pc, state)
        for line in lines:
            if not pc.is_linked:
                break
            frame = fill_in(line, len(pc._out) + 1, pc.about, code)
            pc._out.append(frame)
            await pc.writes(frame)
        if pc.wire is not None:
            await pc.loses_link()
        await harness.hub.unpair(CHAT, harness.now)
        await harness.acknowledge_ends()
        assert len(await harness.releases()) <= before + (state == SETTING_PIN)
        await self._check_bystander()

    async def _set_up(self, pc: HostileBridge, state: str) -> str:
        """Bring a session as far as the state says; return a pairing code."""
        harness = self.harness
        if state not in STATES or state == NEW:
            pc.wire = FakeTransport(pc)
            pc._connection = harness.hub.connect(pc.wire, pc.address, harness.now)
            return "ABCD2345"
        await pc.dials()
        if state == GREETED:
            issued = await harness.hub.issue_pairing_code(CHAT, CHAT, "Anna", harness.now)
            return issued.code.reveal()
        await harness.pairs(pc)
        if state == WORKING:
            await harness.hub.start(CHAT, CardTask.CARD_STATUS, harness.now)
        elif state == SETTING_PIN:
            grant = await harness.grant(self.applicant, CardTask.UNLOCK)
            await harness.hub.start(CHAT, CardTask.UNLOCK, harness.now, grant)
        await pc.works()
        return "ABCD2345"

    async def _check_bystander(self) -> None:
        self.inputs += 1
        if self.inputs % _BYSTANDER_EVERY != 1:
            return
        harness = self.harness
        pc = ReferenceBridge(harness, self.card, "198.51.100.1")
        await pc.dials()
        await harness.pairs(pc, _BYSTANDER)
        await harness.hub.start(_BYSTANDER, CardTask.CARD_STATUS, harness.now)
        await pc.works()
        assert pc.is_linked
        await harness.hub.unpair(_BYSTANDER, harness.now)
        await pc.loses_link()
        await harness.acknowledge_ends()


@asynccontextmanager
async def open_hub() -> AsyncIterator[Feed]:
    """Send inputs to a hub, each over a link of its own."""
    with TemporaryDirectory(prefix="kaika-fuzz-", dir=fast_folder()) as place:
        folder = Path(place)
        url = f"sqlite+aiosqlite:///{folder}/kaika.db"
        database = Database(url)
        await upgrade(database)
        await database.close()
        authority = AuthorityHarness(url, folder, signs_with=CertifyingIssuer())
        await authority.authority.start(NOW)
        harness = HubHarness(authority)
        await harness.hub.restore(NOW)
        applicant, card = await make_active_card(harness)
        yield FuzzedHub(harness, card, applicant).feed
        await harness.hub.close()
        await authority.close()


# ---- to the bridge


@cache
def make_issuer() -> CardTestAuthority:
    """Return the issuer of every card."""
    return CardTestAuthority()


class MemorySocket:
    """One end of a websocket without a network."""

    def __init__(self, incoming: asyncio.Queue[WSMessage], outgoing: asyncio.Queue[WSMessage]):
        self._incoming, self._outgoing = incoming, outgoing
        self.closed = False
        self._received = asyncio.Event()

    @classmethod
    def pair(cls) -> tuple["MemorySocket", "MemorySocket"]:
        """Return both ends."""
        one: asyncio.Queue[WSMessage] = asyncio.Queue()
        other: asyncio.Queue[WSMessage] = asyncio.Queue()
        return cls(one, other), cls(other, one)

    async def send_str(self, text: str) -> None:
        """Send a text frame."""
        if self.closed:
            raise ConnectionResetError
        self._outgoing.put_nowait(WSMessage(WSMsgType.TEXT, text, None))

    async def receive(self) -> WSMessage:
        """Wait for a frame."""
        message = await self._incoming.get()
        self._received.set()
        return message

    async def wait_until_read(self) -> None:
        """Wait until everything that arrived was received, or the socket is closed."""
        while not self._incoming.empty() and not self.closed:
            self._received.clear()
            await self._received.wait()

    async def close(self) -> None:
        """Close both ends."""
        if not self.closed:
            self.closed = True
            self._received.set()
            for queue in (self._incoming, self._outgoing):
                queue.put_nowait(WSMessage(WSMsgType.CLOSED, None, None))


class MemoryConnector:
    """Connects to a link in this process once, and then never again."""

    def __init__(self) -> None:
        server, self._client = MemorySocket.pair()
        self._server = server
        self.link = BridgeLink(server, "ws://127.0.0.1", [])  # type: ignore[arg-type]
        self.is_over = asyncio.Event()
        self._is_used = False

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[ServerConnection]:
        """Return the bridge's end; the second time, wait for ever."""
        if self._is_used:
            self.is_over.set()
            await asyncio.Event().wait()
        self._is_used = True
        connection = ServerConnection(self._client)  # type: ignore[arg-type]
        try:
            yield connection
        finally:
            await connection.close()

    async def wait_until_read(self) -> None:
        """Wait until the bridge has read what was sent, or has closed the link."""
        await self._client.wait_until_read()
        for _ in range(_TURNS):
            await asyncio.sleep(0)


@asynccontextmanager
async def open_bridge() -> AsyncIterator[Feed]:
    """Send inputs to a bridge with a card, whose person agrees to everything."""
    with TemporaryDirectory(prefix="kaika-fuzz-") as folder:
        card = make_issuer().issue(Path(folder) / "card.json", b"first123")
        reader = VirtualReader(card)

        async def feed(data: bytes) -> None:
            connector = MemoryConnector()
            person = scripted_person()
            session = ServerSession("ws://127.0.0.1/bridge/v1", "127.0.0.1", person, reader)
            client = BridgeClient(
                connector,  # type: ignore[arg-type]
                session,
                "127.0.0.1",
                person,
                language="en",
                app_version="1.0",
                sleep=_reconnect_at_once,
            )
            running = asyncio.ensure_future(client.run())
            try:
                await _send_all(connector, running, data)
            finally:
                running.cancel()
                with suppress(asyncio.CancelledError):
                    await running
            assert all(set(buffer) <= {0} for buffer in person.handed_out)

        yield feed
        card.close()


async def _reconnect_at_once(_: float) -> None:
    """Do nothing."""


async def _send_all(
    connector: MemoryConnector, running: "asyncio.Future[Any]", data: bytes
) -> None:
    """Send the frames of an input, let the bridge read each, and cut the link."""
    state, lines = split(data)
    link = connector.link
    if state == GREETED:
        await link.welcome()
    elif state in (PAIRED, WORKING, SETTING_PIN):
        await link.pair()
    if state == WORKING:
        await link.start(ReadCardStatus())
    elif state == SETTING_PIN:
        await link.start(SetPin(PinPurpose.UNLOCK, SERIAL.hex(), bytes(32)))
    number = link.memory.outgoing.last
    for line in lines:
        if running.done() or connector.is_over.is_set():
            break
        number += 1
        with suppress(ConnectionResetError):
            await link.send_frame(fill_in(line, number, "op1", CODE_TYPED))
        await connector.wait_until_read()
    await link.socket.close()
    over = asyncio.ensure_future(connector.is_over.wait())
    await asyncio.wait((over, running), return_when=asyncio.FIRST_COMPLETED)
    over.cancel()


SERVER_FRAMES = Boundary(
    "server-frames", open_hub, lambda: list_seeds(BRIDGE_MESSAGES), inputs(BRIDGE_MESSAGES),
    renew_after=1000,
)  # fmt: skip
BRIDGE_FRAMES = Boundary(
    "bridge-frames", open_bridge, lambda: list_seeds(SERVER_MESSAGES), inputs(SERVER_MESSAGES),
    renew_after=200,
)  # fmt: skip
