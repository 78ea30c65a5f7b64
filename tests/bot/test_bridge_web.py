"""The websocket for bridges: who is let in, how much is taken, and what becomes of the rest."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from bot.web.bridge import Limits, Pace, SocketTransport, bridge_routes, tended
from bot.web.listeners import listening
from services.bridge.hub import Hub
from services.bridge.interface import Transport
from services.storage import keys
from services.storage.database import Database
from services.storage.upgrade import upgrade

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
PROTOCOL = "kaika.bridge.v1"
HELLO = {"type": "hello", "seq": 0, "api_level": 1, "app_version": "1", "language": "en"}


class Echo:
    """A connection that says everything back in capitals."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.heard: list[str] = []
        self.gone = asyncio.Event()

    async def receive(self, text: str, now: datetime) -> None:
        self.heard.append(text)
        self.transport.send(text.upper())
        if text == "leave":
            self.transport.send("a last word")
            self.transport.close()

    async def lost(self, now: datetime) -> None:
        self.gone.set()


class Door:
    """Greets, and remembers who came from where."""

    def __init__(self) -> None:
        self.connections: list[Echo] = []
        self.addresses: list[str] = []

    def connect(self, transport: Transport, address: str, now: datetime) -> Echo:
        assert now == NOW
        self.addresses.append(address)
        self.connections.append(Echo(transport))
        transport.send("greeting")
        return self.connections[-1]


@asynccontextmanager
async def serving(door: Any, *more: Any) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes(bridge_routes(door, lambda: NOW, *more))
    async with listening(app, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}/bridge/v1"


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def said(socket: "aiohttp.ClientWebSocketResponse") -> str:
    async with asyncio.timeout(5):
        return await socket.receive_str()


async def closed(socket: "aiohttp.ClientWebSocketResponse") -> int | None:
    """Wait for the end, and give its code."""
    async with asyncio.timeout(5):
        while not (await socket.receive()).type & 0x100 or not socket.closed:
            pass
    return socket.close_code


async def test_the_server_speaks_first_and_frames_go_both_ways(
    client: aiohttp.ClientSession,
) -> None:
    door = Door()
    async with serving(door) as url, client.ws_connect(url, protocols=[PROTOCOL]) as socket:
        assert socket.protocol == PROTOCOL
        assert await said(socket) == "greeting"
        await socket.send_str("hello")
        assert await said(socket) == "HELLO"
    async with asyncio.timeout(5):
        await door.connections[0].gone.wait()


async def test_a_web_page_is_refused(client: aiohttp.ClientSession) -> None:
    door = Door()
    async with serving(door) as url:
        for origin in ("https://evil.example", "null", url):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.ws_connect(url, origin=origin)
            assert refused.value.status == 403
    assert door.connections == []


async def test_what_is_no_websocket_is_told_so(client: aiohttp.ClientSession) -> None:
    async with serving(Door()) as url:
        async with client.get(url) as answer:
            assert answer.status == 426
        async with client.head(url) as answer:
            assert answer.status == 405
        async with client.post(url, data=b"x") as answer:
            assert answer.status == 405


async def test_a_huge_frame_ends_the_connection(client: aiohttp.ClientSession) -> None:
    door = Door()
    async with serving(door) as url, client.ws_connect(url) as socket:
        await said(socket)
        await socket.send_str("x" * 65_536)
        assert len(await said(socket)) == 65_536
        await socket.send_str("x" * 65_537)
        assert await closed(socket) == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
        async with asyncio.timeout(5):
            await door.connections[0].gone.wait()
    assert len(door.connections[0].heard) == 1


async def test_bytes_are_no_frame(client: aiohttp.ClientSession) -> None:
    async with serving(Door()) as url, client.ws_connect(url) as socket:
        await said(socket)
        await socket.send_bytes(b"{}")
        assert json.loads(await said(socket))["code"] == "bad_message"
        await closed(socket)


async def test_who_says_nothing_is_sent_away(client: aiohttp.ClientSession) -> None:
    door, limits = Door(), Limits(greeting=0.01)
    async with serving(door, limits) as url, client.ws_connect(url) as socket:
        assert await said(socket) == "greeting"
        assert json.loads(await said(socket))["code"] == "bad_message"
        await closed(socket)
        assert door.connections[0].gone.is_set()


async def test_a_last_word_is_said_before_the_end(client: aiohttp.ClientSession) -> None:
    async with serving(Door()) as url, client.ws_connect(url) as socket:
        await socket.send_str("leave")
        assert [await said(socket) for _ in range(3)] == ["greeting", "LEAVE", "a last word"]
        await closed(socket)


async def test_too_many_frames_end_the_connection(client: aiohttp.ClientSession) -> None:
    door, limits = Door(), Limits(frames=3)
    async with serving(door, limits) as url, client.ws_connect(url) as socket:
        for _ in range(4):
            await socket.send_str("x")
        heard = [await said(socket) for _ in range(5)]
        assert heard[:4] == ["greeting", "X", "X", "X"]
        assert json.loads(heard[4])["code"] == "busy"
        await closed(socket)


def test_the_count_of_frames_begins_anew() -> None:
    moments = iter([0.0, 1.0, 2.0, 3.0, 11.0, 12.0])
    pace = Pace(Limits(frames=2, seconds=10), lambda: next(moments))
    assert [pace.allows() for _ in range(5)] == [True, True, False, True, True]


@pytest.mark.parametrize("limits", [Limits(connections=2), Limits(of_address=2)])
async def test_a_full_house_says_so(client: aiohttp.ClientSession, limits: Limits) -> None:
    door = Door()
    async with serving(door, limits) as url:
        first, second = await client.ws_connect(url), await client.ws_connect(url)
        with capture_logs() as logs:
            third = await client.ws_connect(url)
            assert json.loads(await said(third)) == {"type": "error", "seq": 0, "code": "busy"}
            await closed(third)
        assert [line["event"] for line in logs] == ["bridge_turned_away"]
        assert len(door.connections) == 2
        await first.close()
        async with asyncio.timeout(5):
            await door.connections[0].gone.wait()
        again = await client.ws_connect(url)
        assert await said(again) == "greeting"
        for socket in (again, second):
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
    door = Door()
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    async with serving(door) as url, client.ws_connect(url, headers=headers) as socket:
        await said(socket)
    assert door.addresses == [address]


async def test_nobody_else_says_where_they_are_from(client: aiohttp.ClientSession) -> None:
    door, headers = Door(), {"X-Forwarded-For": "198.51.100.9"}
    async with (
        serving(door, Limits(), frozenset()) as url,
        client.ws_connect(url, headers=headers) as socket,
    ):
        await said(socket)
    assert door.addresses == ["127.0.0.1"]


class DeafSocket:
    """A websocket whose other end takes nothing."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    async def send_str(self, frame: str) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        self.closed.set()


async def test_a_bridge_that_takes_nothing_is_dropped() -> None:
    deaf = DeafSocket()
    transport = SocketTransport(cast(web.WebSocketResponse, deaf))
    await asyncio.sleep(0)
    for _ in range(300):
        transport.send("x")
    assert transport.is_closing
    async with asyncio.timeout(5):
        await transport.finish()
        await deaf.closed.wait()


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'kaika.db'}")
    await upgrade(database)
    ring = keys.load_or_create(tmp_path / "keys.json")
    yield Hub(database, ring, None, "ws://127.0.0.1", lambda _: None)
    await database.close()


async def test_a_bridge_meets_the_real_hub_and_hears_when_it_goes(
    client: aiohttp.ClientSession, hub: Hub
) -> None:
    async with serving(hub) as url, client.ws_connect(url, protocols=[PROTOCOL]) as socket:
        async with tended(hub, lambda: NOW):
            assert json.loads(await said(socket))["origin"] == "ws://127.0.0.1"
            await socket.send_json({**HELLO, "nonce": "A" * 43})
            assert json.loads(await said(socket))["type"] == "welcome"
            await socket.send_json({"type": "pair", "seq": 1, "code": "AAAAAAAA"})
            assert json.loads(await said(socket))["reason"] == "wrong_code"
        assert json.loads(await said(socket))["code"] == "going_down"
        await closed(socket)


async def test_a_database_that_is_away_for_a_moment_does_not_end_the_tending(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = asyncio.Event()

    async def fails(now: datetime) -> None:
        tried.set()
        raise OperationalError("", {}, Exception())

    monkeypatch.setattr(hub, "tend", fails)
    with capture_logs() as logs:
        async with tended(hub, lambda: NOW), asyncio.timeout(5):
            await tried.wait()
    assert [line["event"] for line in logs] == ["bridge_not_tended"]
