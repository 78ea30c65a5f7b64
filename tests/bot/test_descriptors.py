"""Idle links do not use up what the process may have open."""

import asyncio
import resource
import subprocess
import sys
from collections.abc import Iterator

import aiohttp
import pytest

from bot import descriptors
from bot.web.bridge_websocket import BridgeLimits

FEW = 1000
"""As many as most systems allow, less what the whole program has open itself."""
_RAISE = """
import resource
from bot.cli import main

main._run_command = lambda **_: print(resource.getrlimit(resource.RLIMIT_NOFILE)[0]) or 0
main.main()
"""
_SERVE = """
import asyncio
from tests.bot.test_bridge_web import FakeEndpoint, NOW
from aiohttp import web
from bot.web.bridge_websocket import bridge_routes
from bot.web.listeners import public_app, serve_app

async def page(_):
    return web.Response(text="here")

async def main():
    routes = [*bridge_routes(FakeEndpoint(), lambda: NOW), web.get("/page", page)]
    async with serve_app(public_app(routes), "127.0.0.1", 0) as port:
        print(port, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def limit_to(soft: int, hard: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_server_asks_for_more_descriptors() -> None:
    hard = min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    shown = subprocess.run(
        [sys.executable, "-c", _RAISE, "run"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: limit_to(256, hard),
    )
    assert shown.stdout == f"{hard}\n", shown.stderr


@pytest.mark.parametrize(("available", "places"), [(256, 50), (1024, 162), (16_384, 1000)])
def test_the_places_fit_the_descriptors(available: int, places: int) -> None:
    assert BridgeLimits.fitting(available).connections == places


@pytest.fixture
def address() -> Iterator[str]:
    """The address of a server that may have few descriptors, whatever it asks for."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVE],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: limit_to(FEW, FEW),
    ) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        server.kill()


async def test_a_thousand_idle_links_leave_descriptors_for_the_rest(address: str) -> None:
    descriptors.raise_limit()
    if descriptors.limit() < 2 * FEW:
        pytest.skip("the system allows too few descriptors for the attack")
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as client, asyncio.timeout(60):

        async def dial(number: int, word: str) -> aiohttp.ClientWebSocketResponse:
            headers = {"X-Forwarded-For": f"198.51.100.{number % 40}"}
            socket = await client.ws_connect(f"{address}/bridge/v1", headers=headers)
            assert await socket.receive_str() == "greeting"
            await socket.send_str(word)
            return socket

        for number in range(1_100):
            await dial(number, "hello")
        paired = await dial(0, "resume")
        assert await paired.receive_str() == "RESUME"
        async with client.get(f"{address}/page") as answered:
            assert await answered.text() == "here"
