"""The public listener serves others whatever strangers do with their connections."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest
import uvloop
from aiohttp import web
from structlog.testing import capture_logs

from bot.web.bridge_websocket import bridge_routes
from bot.web.connection_guard import ConnectionGuard, ConnectionLimits
from bot.web.listeners import public_app, serve_app
from services.repeated_events import RepeatedEvents
from tests.bot.test_bridge_web import NOW, PROTOCOL, FakeEndpoint

UNFINISHED = b"GET / HTTP/1.1\r\nHost: x\r\n"
HALF_A_BODY = b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"
STRANGER, ANOTHER = "127.0.0.2", "127.0.0.3"
"""Addresses of this machine that are no proxy's."""


class GuardedListener:
    """A listener with a view that answers at once, one that reads, and one that waits."""

    def __init__(self, **limits: float) -> None:
        self.guard = ConnectionGuard(ConnectionLimits(**limits))  # type: ignore[arg-type]
        self.waiting: asyncio.Queue[None] = asyncio.Queue()
        self.may_answer = asyncio.Event()
        self.port = 0
        self._opened: list[asyncio.StreamWriter] = []

    async def _answer(self, _request: web.Request) -> web.Response:
        return web.Response(text="served")

    async def _read(self, request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async def _wait(self, _request: web.Request) -> web.Response:
        self.waiting.put_nowait(None)
        await self.may_answer.wait()
        return web.Response(text="served")

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["GuardedListener"]:
        routes = [
            web.get("/", self._answer),
            web.post("/read", self._read),
            web.get("/wait", self._wait),
        ]
        app = public_app([*routes, *bridge_routes(FakeEndpoint(), lambda: NOW)], self.guard)
        async with serve_app(app, "127.0.0.1", 0) as self.port:
            yield self
            for each in self._opened:
                each.close()

    async def send(self, data: bytes, source: str = "127.0.0.1") -> asyncio.StreamReader:
        """Open a connection and send something that is no whole request."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, local_addr=(source, 0)
        )
        self._opened.append(writer)
        writer.write(data)
        return reader

    async def get(
        self, path: str = "/", source: str = "127.0.0.1", headers: Mapping[str, str] | None = None
    ) -> int:
        """Return the status of a whole request on a connection of its own; 0 for none."""
        connector = aiohttp.TCPConnector(local_addr=(source, 0))
        with suppress(aiohttp.ClientError):
            async with (
                aiohttp.ClientSession(connector=connector) as client,
                client.get(f"http://127.0.0.1:{self.port}{path}", headers=headers) as answer,
            ):
                return answer.status
        return 0


async def wait_until_closed(reader: asyncio.StreamReader) -> bytes:
    """Return what a connection still receives until the other end closes it."""
    received = b""
    with suppress(ConnectionError):
        async with asyncio.timeout(20):
            while data := await reader.read(1000):
                received += data
    return received


async def starve() -> None:
    async with GuardedListener(connections=30).serving() as listener:
        opened = [await listener.send(UNFINISHED) for _ in range(70)]
        assert [await listener.get() for _ in range(3)] == [200] * 3
        assert all([await wait_until_closed(each) == b"" for each in opened[:40]])
        assert len(listener.guard._connections) <= 30


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_more_unfinished_requests_than_there_are_places_starve_nobody(
    run: Callable[[Coroutine[Any, Any, None]], None],
) -> None:
    run(starve())


@pytest.mark.parametrize("data", [b"", UNFINISHED, b"GET", b"\x16\x03\x01\x02"])
async def test_a_head_that_does_not_arrive_ends_the_connection(data: bytes) -> None:
    async with GuardedListener(head_seconds=0.05).serving() as listener:
        reader = await listener.send(data)
        received = await wait_until_closed(reader)
        assert received == b"" or received.startswith(b"HTTP/1.0 400")
        assert listener.guard._connections == {}


async def test_a_body_that_does_not_arrive_ends_the_connection() -> None:
    async with GuardedListener(request_seconds=0.05).serving() as listener:
        assert await wait_until_closed(await listener.send(HALF_A_BODY)) == b""


async def test_what_comes_after_an_answer_has_a_deadline_too() -> None:
    async with GuardedListener(idle_seconds=0.05).serving() as listener:
        whole = UNFINISHED + b"\r\n"
        received = await wait_until_closed(await listener.send(whole + whole + UNFINISHED))
        assert received.count(b"served") == 2


async def test_an_idle_connection_gives_its_place_to_another_of_its_address() -> None:
    async with GuardedListener(connections_per_address=3).serving() as listener:
        others = await listener.send(UNFINISHED, ANOTHER)
        opened = [await listener.send(UNFINISHED, STRANGER) for _ in range(3)]
        assert [await listener.get(source=STRANGER) for _ in range(3)] == [200] * 3
        assert await wait_until_closed(opened[0]) == b"", "the one that waited longest"
        listener._opened[0].write(b"\r\n")
        assert b"served" in await others.readuntil(b"served"), "it took none of another's places"


async def test_an_address_has_so_many_requests_and_another_is_not_affected() -> None:
    async with GuardedListener(connections_per_address=2).serving() as listener:
        served = [asyncio.create_task(listener.get("/wait", STRANGER)) for _ in range(2)]
        for _ in served:
            await listener.waiting.get()
        assert await listener.get(source=STRANGER) == 0
        assert await listener.get(source=ANOTHER) == 200
        listener.may_answer.set()
        assert await asyncio.gather(*served) == [200, 200]
        assert await listener.get(source=STRANGER) == 200


async def test_behind_a_proxy_the_requests_of_an_address_are_counted_as_it_says() -> None:
    async with GuardedListener(connections_per_address=2).serving() as listener:
        theirs = {"X-Forwarded-For": "192.0.2.7"}
        held = [asyncio.create_task(listener.get("/wait", headers=theirs)) for _ in range(2)]
        for _ in held:
            await listener.waiting.get()
        assert await listener.get(headers=theirs) == 429
        assert await listener.get(headers={"X-Forwarded-For": "192.0.2.8"}) == 200
        faked = {"X-Forwarded-For": "192.0.2.9, 192.0.2.7"}
        assert await listener.get(headers=faked) == 429, "the proxy names the last one"
        listener.may_answer.set()
        assert await asyncio.gather(*held) == [200, 200]
        assert await listener.get(headers=theirs) == 200
        assert listener.guard._requests == {}


async def test_what_is_being_served_keeps_its_place() -> None:
    async with GuardedListener(connections=3).serving() as listener:
        served = asyncio.create_task(listener.get("/wait"))
        await listener.waiting.get()
        for _ in range(10):
            await listener.send(UNFINISHED)
        listener.may_answer.set()
        assert await served == 200


async def test_where_all_are_being_served_one_more_is_refused() -> None:
    async with GuardedListener(connections=2).serving() as listener:
        served = [asyncio.create_task(listener.get("/wait")) for _ in range(2)]
        for _ in served:
            await listener.waiting.get()
        assert await listener.get() == 0
        listener.may_answer.set()
        assert await asyncio.gather(*served) == [200, 200]


async def test_a_websocket_is_no_longer_guarded() -> None:
    async with (
        GuardedListener(request_seconds=0.05, idle_seconds=0.05).serving() as listener,
        aiohttp.ClientSession() as client,
        client.ws_connect(
            f"http://127.0.0.1:{listener.port}/bridge/v1", protocols=[PROTOCOL]
        ) as socket,
    ):
        assert await socket.receive_str() == "greeting"
        assert listener.guard._connections == {}
        await wait_until_closed(await listener.send(HALF_A_BODY))
        await socket.send_str("still here")
        assert await socket.receive_str() == "STILL HERE"


async def test_strangers_cannot_multiply_log_lines() -> None:
    with capture_logs() as logs:
        async with GuardedListener(connections=5).serving() as listener:
            opened = [await listener.send(UNFINISHED) for _ in range(50)]
            await wait_until_closed(opened[0])
            assert await listener.get() == 200
    assert [line["event"] for line in logs] == ["connection_cut_off"]


async def test_what_is_left_out_of_the_log_is_summed_up() -> None:
    events = RepeatedEvents()
    with capture_logs() as logs:
        for _ in range(100):
            events.warn("refused", reason="secret")
        events.warn("refused", reason="another")
        events.sum_up("refused", reason="secret")
        assert [line.get("more") for line in logs] == [None, None, 99]
        events.warn("refused", reason="secret")
        assert len(logs) == 4, "it begins anew"
