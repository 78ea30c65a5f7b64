"""The websocket for bridges: access, limits, and lost connections."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from bot.web.bridge_websocket import (
    BridgeLimits,
    FrameRateLimit,
    WebSocketTransport,
    bridge_routes,
    run_hub,
)
from bot.web.connection_guard import ConnectionGuard, ConnectionLimits
from bot.web.listeners import public_app, serve_app
from services.bridge.hub import Hub
from services.bridge.interface import FrameTransport
from services.storage import keys
from services.storage.availability import DatabaseUnavailableError
from services.storage.database import Database
from tests.first_start import place_database
from tests.patience import PATIENCE
from tests.strict_supervisor import strict_supervisor

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
PROTOCOL = "kaika.bridge.v1"
HELLO = {"type": "hello", "seq": 0, "api_level": 2, "app_version": "1", "language": "en"}


class EchoConnection:
    """A connection that repeats everything in capitals."""

    def __init__(self, transport: FrameTransport) -> None:
        self.transport = transport
        self.received: list[str] = []
        self.is_paired = False
        self.disconnected = asyncio.Event()

    @property
    def has_session(self) -> bool:
        return bool(self.received)

    async def receive(self, text: str, now: datetime) -> None:
        self.is_paired = self.is_paired or text == "resume"
        self.received.append(text)
        self.transport.send(text.upper())
        if text == "leave":
            self.transport.send("a last word")
            self.transport.close()

    async def handle_disconnect(self, now: datetime) -> None:
        self.disconnected.set()


class FakeEndpoint:
    """Greets, and records connections and addresses."""

    def __init__(self) -> None:
        self.connections: list[EchoConnection] = []
        self.addresses: list[str] = []

    def connect(self, transport: FrameTransport, address: str, now: datetime) -> EchoConnection:
        assert now == NOW
        self.addresses.append(address)
        self.connections.append(EchoConnection(transport))
        transport.send("greeting")
        return self.connections[-1]


@asynccontextmanager
async def serving(endpoint: Any, *more: Any) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes(bridge_routes(endpoint, lambda: NOW, *more))
    async with serve_app(app, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}/bridge/v1"


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def receive(socket: "aiohttp.ClientWebSocketResponse") -> str:
    async with asyncio.timeout(PATIENCE):
        return await socket.receive_str()


async def wait_closed(socket: "aiohttp.ClientWebSocketResponse") -> int | None:
    """Wait until the websocket is closed, and return its code."""
    async with asyncio.timeout(PATIENCE):
        while not (await socket.receive()).type & 0x100 or not socket.closed:
            pass
    return socket.close_code


async def test_the_server_speaks_first_and_frames_go_both_ways(
    client: aiohttp.ClientSession,
) -> None:
    endpoint = FakeEndpoint()
    async with serving(endpoint) as url, client.ws_connect(url, protocols=[PROTOCOL]) as socket:
        assert socket.protocol == PROTOCOL
        assert await receive(socket) == "greeting"
        await socket.send_str("hello")
        assert await receive(socket) == "HELLO"
    async with asyncio.timeout(PATIENCE):
        await endpoint.connections[0].disconnected.wait()


async def test_a_web_page_is_refused(client: aiohttp.ClientSession) -> None:
    endpoint = FakeEndpoint()
    async with serving(endpoint) as url:
        for origin in ("https://evil.example", "null", url):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.ws_connect(url, origin=origin)
            assert refused.value.status == 403
    assert endpoint.connections == []


async def test_what_is_no_websocket_is_told_so(client: aiohttp.ClientSession) -> None:
    async with serving(FakeEndpoint()) as url:
        async with client.get(url) as answer:
            assert answer.status == 426
        async with client.head(url) as answer:
            assert answer.status == 405
        async with client.post(url, data=b"x") as answer:
            assert answer.status == 405


async def test_a_huge_frame_ends_the_connection(client: aiohttp.ClientSession) -> None:
    endpoint = FakeEndpoint()
    async with serving(endpoint) as url, client.ws_connect(url) as socket:
        await receive(socket)
        await socket.send_str("x" * 65_536)
        assert len(await receive(socket)) == 65_536
        await socket.send_str("x" * 65_537)
        assert await wait_closed(socket) == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
        async with asyncio.timeout(PATIENCE):
            await endpoint.connections[0].disconnected.wait()
    assert len(endpoint.connections[0].received) == 1


async def test_bytes_are_no_frame(client: aiohttp.ClientSession) -> None:
    async with serving(FakeEndpoint()) as url, client.ws_connect(url) as socket:
        await receive(socket)
        await socket.send_bytes(b"{}")
        assert json.loads(await receive(socket))["code"] == "bad_message"
        await wait_closed(socket)


async def test_who_says_nothing_is_sent_away(client: aiohttp.ClientSession) -> None:
    endpoint, limits = FakeEndpoint(), BridgeLimits(greeting=0.01)
    async with serving(endpoint, limits) as url, client.ws_connect(url) as socket:
        assert await receive(socket) == "greeting"
        assert json.loads(await receive(socket))["code"] == "bad_message"
        await wait_closed(socket)
        assert endpoint.connections[0].disconnected.is_set()


async def test_a_last_word_is_said_before_the_end(client: aiohttp.ClientSession) -> None:
    async with serving(FakeEndpoint()) as url, client.ws_connect(url) as socket:
        await socket.send_str("leave")
        assert [await receive(socket) for _ in range(3)] == ["greeting", "LEAVE", "a last word"]
        await wait_closed(socket)


async def test_too_many_frames_end_the_connection(client: aiohttp.ClientSession) -> None:
    endpoint, limits = FakeEndpoint(), BridgeLimits(frames=3)
    async with serving(endpoint, limits) as url, client.ws_connect(url) as socket:
        for _ in range(4):
            await socket.send_str("x")
        received = [await receive(socket) for _ in range(5)]
        assert received[:4] == ["greeting", "X", "X", "X"]
        assert json.loads(received[4])["code"] == "busy"
        await wait_closed(socket)


def test_the_count_of_frames_begins_anew() -> None:
    moments = iter([0.0, 1.0, 2.0, 3.0, 11.0, 12.0])
    pace = FrameRateLimit(BridgeLimits(frames=2, seconds=10), lambda: next(moments))
    assert [pace.allows() for _ in range(5)] == [True, True, False, True, True]


async def say(socket: "aiohttp.ClientWebSocketResponse", text: str) -> None:
    assert await receive(socket) == "greeting"
    await socket.send_str(text)
    assert await receive(socket) == text.upper()


BUSY = {"type": "error", "seq": 0, "code": "busy"}


async def test_an_address_with_too_many_connections_is_told_so(
    client: aiohttp.ClientSession,
) -> None:
    endpoint = FakeEndpoint()
    async with serving(endpoint, BridgeLimits(connections_per_address=2)) as url:
        first, second, third = [await client.ws_connect(url) for _ in range(3)]
        assert await receive(first) == "greeting"
        assert json.loads(await receive(first)) == BUSY, "it has not said hello yet"
        await wait_closed(first)
        for socket in (second, third):
            await say(socket, "hello")
        fourth = await client.ws_connect(url)
        await say(fourth, "hello")
        assert json.loads(await receive(fourth)) == BUSY
        await wait_closed(fourth)
        await second.close()
        async with asyncio.timeout(PATIENCE):
            await endpoint.connections[1].disconnected.wait()
        again = await client.ws_connect(url)
        await say(again, "hello")
        for socket in (again, third):
            await socket.close()


async def test_who_shares_an_address_with_idle_links_comes_back(
    client: aiohttp.ClientSession,
) -> None:
    async with serving(FakeEndpoint(), BridgeLimits(connections_per_address=2)) as url:
        for word in ("hello", ""):
            for _ in range(2):
                socket = await client.ws_connect(url)
                await say(socket, word) if word else await receive(socket)
        paired = []
        for _ in range(4):
            paired.append(await client.ws_connect(url))
            await say(paired[-1], "resume")
        for socket in paired:
            await socket.send_str("still there")
            assert await receive(socket) == "STILL THERE"


class RawSocket:
    """A websocket that answers neither pings nor a close, and reads only what is waited for."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def send(self, kind: int, payload: bytes = b"") -> None:
        self._writer.write(bytes([0x80 | kind, 0x80 | len(payload)]) + bytes(4) + payload)

    async def wait_cut(self) -> None:
        with suppress(ConnectionError):
            while await self._reader.read(4096):
                pass


@asynccontextmanager
async def raw_socket(url: str) -> AsyncIterator[RawSocket]:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    lines = (
        f"GET {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Connection: Upgrade",
        "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "", "",
    )  # fmt: skip
    writer.write("\r\n".join(lines).encode())
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        yield RawSocket(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


_TEXT, _BINARY, _PING = 1, 2, 9


async def test_pings_are_no_hello() -> None:
    limits = BridgeLimits(greeting=0.2, closing=0.2)
    async with (
        serving(FakeEndpoint(), limits) as url,
        asyncio.timeout(PATIENCE),
        raw_socket(url) as socket,
    ):

        async def ping() -> None:
            while True:
                socket.send(_PING)
                await asyncio.sleep(0.02)

        pinging = asyncio.ensure_future(ping())
        await socket.wait_cut()
        pinging.cancel()


async def test_a_half_open_link_ends() -> None:
    endpoint, limits = FakeEndpoint(), BridgeLimits(heartbeat=0.2)
    async with (
        serving(endpoint, limits) as url,
        asyncio.timeout(PATIENCE),
        raw_socket(url) as socket,
    ):
        socket.send(_TEXT, b"hello")
        await endpoint.connections[0].disconnected.wait()
        await socket.wait_cut()


async def test_a_link_that_reads_nothing_ends() -> None:
    """What it was sent fills the buffers, and would keep the connection open for long."""
    endpoint, limits = FakeEndpoint(), BridgeLimits(frames=10_000, closing=0.2)
    async with serving(endpoint, limits) as url, asyncio.timeout(20), raw_socket(url) as socket:
        for _ in range(400):
            endpoint.connections[0].transport.send("x" * 60_000)
            await asyncio.sleep(0)
        await endpoint.connections[0].disconnected.wait()
        await socket.wait_cut()


@pytest.mark.parametrize("last_word", [None, (_TEXT, b"leave"), (_BINARY, b"")])
async def test_one_address_has_no_more_open_links_than_places(
    last_word: tuple[int, bytes] | None,
) -> None:
    """Also of those that are being closed, and never answer that."""
    limits = BridgeLimits(connections_per_address=2)
    async with AsyncExitStack() as stack, asyncio.timeout(20):
        endpoint = FakeEndpoint()
        url = await stack.enter_async_context(serving(endpoint, limits))
        links = []
        for number in range(12):
            links.append(await stack.enter_async_context(raw_socket(url)))
            if last_word is not None:
                links[-1].send(*last_word)
                async with asyncio.timeout(PATIENCE):
                    await endpoint.connections[number].disconnected.wait()
        for link in links[:-2]:
            await link.wait_cut()


async def test_websockets_take_no_places_of_other_requests_behind_a_proxy(
    client: aiohttp.ClientSession,
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="here")

    routes = [*bridge_routes(FakeEndpoint(), lambda: NOW), web.get("/page", answer)]
    app = public_app(routes, ConnectionGuard(ConnectionLimits(connections_per_address=2)))
    headers = {"X-Forwarded-For": "198.51.100.9"}
    async with serve_app(app, "127.0.0.1", 0) as port:
        address = f"http://127.0.0.1:{port}"
        paired = [
            await client.ws_connect(f"{address}/bridge/v1", headers=headers) for _ in range(5)
        ]
        async with client.get(f"{address}/page", headers=headers) as answered:
            assert await answered.text() == "here"
        for socket in paired:
            await say(socket, "resume")
            await socket.close()


async def test_a_paired_bridge_finds_a_place_among_a_thousand_idle_ones(
    client: aiohttp.ClientSession,
) -> None:
    """Idle links from a few addresses keep neither it nor a newcomer out."""
    endpoint = FakeEndpoint()
    async with serving(endpoint, BridgeLimits(connections=4, connections_per_address=3)) as url:

        async def dial(address: str, word: str) -> "aiohttp.ClientWebSocketResponse":
            headers = {"X-Forwarded-For": address}
            socket = await client.ws_connect(url, headers=headers)
            await say(socket, word)
            return socket

        paired = [await dial("192.0.2.1", "resume") for _ in range(6)]
        idle = [await dial(f"198.51.100.{number % 2}", "hello") for number in range(4)]
        newcomer = await dial("192.0.2.9", "hello")
        assert json.loads(await receive(idle[0])) == BUSY, "the oldest of who has the most"
        await wait_closed(idle[0])
        resumed = await dial("198.51.100.0", "resume")
        for socket in (*paired, *idle[1:], newcomer, resumed):
            await socket.send_str("still there")
            assert await receive(socket) == "STILL THERE"
            await socket.close()


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (None, "127.0.0.1"),
        ("198.51.100.9", "198.51.100.9"),
        ("203.0.113.1, 198.51.100.9", "198.51.100.9"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("nonsense", "unknown"),
        ("", "127.0.0.1"),
    ],
)
async def test_behind_our_proxy_its_last_word_on_the_address_counts(
    client: aiohttp.ClientSession, forwarded: str | None, address: str
) -> None:
    endpoint = FakeEndpoint()
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    async with serving(endpoint) as url, client.ws_connect(url, headers=headers) as socket:
        await receive(socket)
    assert endpoint.addresses == [address]


async def test_nobody_else_says_where_they_are_from(client: aiohttp.ClientSession) -> None:
    endpoint, headers = FakeEndpoint(), {"X-Forwarded-For": "198.51.100.9"}
    async with (
        serving(endpoint, BridgeLimits(), frozenset()) as url,
        client.ws_connect(url, headers=headers) as socket,
    ):
        await receive(socket)
    assert endpoint.addresses == ["127.0.0.1"]


class DeafSocket:
    """A websocket whose peer reads nothing."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    async def send_str(self, frame: str) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        self.closed.set()


async def test_a_bridge_that_takes_nothing_is_dropped() -> None:
    deaf = DeafSocket()
    transport = WebSocketTransport(cast(web.WebSocketResponse, deaf), None)
    await asyncio.sleep(0)
    for _ in range(300):
        transport.send("x")
    assert transport.is_closing
    async with asyncio.timeout(PATIENCE):
        await transport.finish()
        await deaf.closed.wait()


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    place_database(tmp_path / "kaika.db")
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'kaika.db'}")
    ring = keys.load_or_create(tmp_path / "keys.json")
    yield Hub(database, ring, None, "ws://127.0.0.1", lambda _: None)
    await database.close()


async def test_a_bridge_meets_the_real_hub_and_hears_when_it_goes(
    client: aiohttp.ClientSession, hub: Hub
) -> None:
    async with serving(hub) as url, client.ws_connect(url, protocols=[PROTOCOL]) as socket:
        async with run_hub(hub, strict_supervisor(), lambda: NOW):
            assert json.loads(await receive(socket))["origin"] == "ws://127.0.0.1"
            await socket.send_json(HELLO)
            assert json.loads(await receive(socket))["type"] == "welcome"
            await socket.send_json(
                {"type": "pair", "seq": 1, "code": "AAAAAAAA", "nonce": "A" * 43}
            )
            assert json.loads(await receive(socket))["reason"] == "wrong_code"
        assert json.loads(await receive(socket))["code"] == "going_down"
        await wait_closed(socket)


async def test_a_database_that_is_away_for_a_moment_does_not_end_the_tending(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = asyncio.Event()

    async def fails(now: datetime) -> None:
        tried.set()
        raise DatabaseUnavailableError("away")

    monkeypatch.setattr(hub, "check_deadlines", fails)
    with capture_logs() as logs:
        async with run_hub(hub, strict_supervisor(), lambda: NOW), asyncio.timeout(PATIENCE):
            await tried.wait()
    assert [line["event"] for line in logs] == ["task_waits"]
