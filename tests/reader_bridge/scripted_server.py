"""A small server written from the protocol's page, which does what a test tells it to."""

import asyncio
import secrets
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from reader_bridge.protocol.enums import PairRefusal, UnpairReason
from reader_bridge.protocol.limits import API_LEVEL, SUBPROTOCOL
from reader_bridge.protocol.messages import (
    BridgeMessage,
    ServerMessage,
    encode_frame,
    parse_frame,
)
from reader_bridge.protocol.operation_messages import (
    OperationFailure,
    OperationResult,
    StartOperation,
)
from reader_bridge.protocol.operation_payloads import Parameters, operation_of
from reader_bridge.protocol.pairing_messages import (
    Greeting,
    Hello,
    Pair,
    PairAnswer,
    Paired,
    PairOffer,
    PairRefused,
    Unpaired,
    Welcome,
)
from reader_bridge.protocol.pairing_proofs import (
    compute_commitment,
    compute_resume_proof,
    derive_pairing_words,
)
from reader_bridge.protocol.sequence_numbers import IncomingSequence, OutgoingSequence
from reader_bridge.protocol.word_list import PairingWord
from tests.patience import PATIENCE

CODE = "ABCD2345"
NAME = "Mai 阿梅"


class CutError(Exception):
    """The bridge has closed the link."""


@dataclass
class SessionMemory:
    """What a server remembers of a session, whichever link it has."""

    session: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    outgoing: OutgoingSequence = field(default_factory=OutgoingSequence)
    incoming: IncomingSequence = field(default_factory=IncomingSequence)


class BridgeLink:
    """A link to a bridge, from the server's side."""

    def __init__(self, socket: web.WebSocketResponse, origin: str, frames: list[str]) -> None:
        self.socket, self.origin, self._frames = socket, origin, frames
        self.nonce = secrets.token_bytes(32)
        self.hello: Hello | None = None
        self.memory = SessionMemory()
        self.pairing_nonce = b""
        self.newest_app: str | None = None
        self.ended = asyncio.Event()

    async def send_frame(self, frame: str) -> None:
        """Send any frame."""
        await self.socket.send_str(frame)

    async def send(self, message: ServerMessage) -> None:
        """Send a message with its number."""
        await self.send_frame(self.memory.outgoing.number(message))

    async def receive_frame(self) -> str:
        """Receive any frame."""
        message = await self.socket.receive()
        if message.type is not WSMsgType.TEXT:
            raise CutError
        self._frames.append(str(message.data))
        return str(message.data)

    async def receive(self, kind: Any) -> Any:
        """Receive the next new message, which has to be of a type."""
        while True:
            frame = parse_frame(await self.receive_frame())
            message = frame.decode_from_bridge()
            if frame.seq and not self.memory.incoming.accept(frame.seq):
                continue
            assert isinstance(message, kind), message
            return message

    async def receive_any(self) -> BridgeMessage:
        """Receive the next new message."""
        message: BridgeMessage = await self.receive(BridgeMessage)
        return message

    async def receive_end(self) -> OperationResult | OperationFailure:
        """Receive the end of an operation, skipping what comes before."""
        while not isinstance(
            message := await self.receive_any(), OperationResult | OperationFailure
        ):
            pass
        return message

    async def receive_failure(self) -> OperationFailure:
        """Receive the end of an operation that has to fail."""
        outcome = await self.receive_end()
        assert isinstance(outcome, OperationFailure)
        return outcome

    async def greet(self) -> Hello:
        """Send the greeting and receive the answer."""
        greeting = Greeting((API_LEVEL,), self.nonce, self.origin, self.newest_app)
        await self.send_frame(encode_frame(greeting))
        message = parse_frame(await self.receive_frame()).decode_from_bridge()
        assert isinstance(message, Hello)
        self.hello = message
        return message

    async def welcome(self) -> None:
        """Greet and start a new session."""
        await self.greet()
        await self.send_frame(encode_frame(Welcome(self.memory.session, commitment=self.commit())))

    def commit(self) -> bytes:
        """Draw the nonce for the next offer, and return the commitment to it."""
        self.pairing_nonce = secrets.token_bytes(32)
        return compute_commitment(self.memory.session, self.pairing_nonce)

    async def offer(self, name: str = NAME) -> None:
        """Accept a code."""
        await self.send(PairOffer(self.pairing_nonce, name))

    async def refuse(
        self, reason: PairRefusal, tries_left: int | None = None, wait_seconds: int | None = None
    ) -> None:
        """Refuse a code."""
        await self.send(PairRefused(reason, self.commit(), tries_left, wait_seconds))

    async def unpair(self, reason: UnpairReason) -> None:
        """End the pairing."""
        await self.send(Unpaired(reason, self.commit()))

    def words_for(self, pair: Pair) -> tuple[PairingWord, PairingWord]:
        """Derive the words that the chat would show."""
        return derive_pairing_words(
            pair.code,
            origin=self.origin,
            session=self.memory.session,
            server_nonce=self.pairing_nonce,
            bridge_nonce=pair.nonce,
        )

    async def pair(self, seconds: int = 3600) -> tuple[PairingWord, PairingWord]:
        """Start a new session and pair, as if the chat agreed too."""
        await self.welcome()
        pair = await self.receive(Pair)
        await self.offer()
        assert (await self.receive(PairAnswer)).accepted
        await self.send(Paired(self.memory.secret, seconds, NAME))
        return self.words_for(pair)

    async def resume(self, memory: SessionMemory, *, restarted: bool = False) -> None:
        """Resume a session."""
        hello = await self.greet()
        assert hello.resume is not None, "the bridge asks for it"
        assert hello.resume.session == memory.session
        assert hello.resume.proof == compute_resume_proof(memory.secret, memory.session, self.nonce)
        if restarted:
            memory.outgoing, memory.incoming = OutgoingSequence(), IncomingSequence()
        self.memory = memory
        seen = memory.incoming.last
        welcome = Welcome(memory.session, not restarted, True, seen, 3600)
        await self.send_frame(encode_frame(welcome))
        for frame in memory.outgoing.frames_after(hello.resume.last_seq) or ():
            if not restarted:
                await self.send_frame(frame)

    async def start(
        self, parameters: Parameters, operation_id: str = "op1", deadline: int = 30
    ) -> None:
        """Start an operation."""
        await self.send(
            StartOperation(operation_id, operation_of(parameters), parameters, deadline)
        )

    async def cut(self) -> None:
        """Break the link without a message."""
        transport = self.socket._req.transport if self.socket._req else None
        if transport is not None:
            transport.abort()
        self.ended.set()


class ScriptedServer:
    """The server. Every bridge that connects waits for the test.

    :ivar origin: what it takes for its own address.
    :ivar frames: every frame that any bridge has sent.
    """

    def __init__(self) -> None:
        self.url = self.origin = ""
        self.port = 0
        self.frames: list[str] = []
        self._links: asyncio.Queue[BridgeLink] = asyncio.Queue()
        self._open: list[BridgeLink] = []

    async def accept(self) -> BridgeLink:
        """Wait for a bridge."""
        async with asyncio.timeout(PATIENCE):
            return await self._links.get()

    async def accept_and_pair(self) -> BridgeLink:
        """Wait for a bridge and pair with it."""
        line = await self.accept()
        await line.pair()
        return line

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=(SUBPROTOCOL,), max_msg_size=2**20, timeout=0.2)
        await socket.prepare(request)
        line = BridgeLink(socket, self.origin, self.frames)
        self._open.append(line)
        self._links.put_nowait(line)
        await line.ended.wait()
        return socket

    def close(self) -> None:
        """Close all links."""
        for line in self._open:
            line.ended.set()


@asynccontextmanager
async def run_scripted_server(
    serve: Callable[[web.Application], None] | None = None,
    tls: ssl.SSLContext | None = None,
    port: int = 0,
) -> AsyncIterator[ScriptedServer]:
    """Run the server on this machine."""
    counterpart = ScriptedServer()
    application = web.Application()
    application.router.add_get("/bridge/v1", counterpart.handle)
    if serve is not None:
        serve(application)
    runner = web.AppRunner(application, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls)
    await site.start()
    counterpart.port = runner.addresses[0][1]
    counterpart.origin = f"{'wss' if tls else 'ws'}://127.0.0.1:{counterpart.port}"
    counterpart.url = f"{counterpart.origin}/bridge/v1"
    try:
        yield counterpart
    finally:
        counterpart.close()
        await runner.cleanup()
