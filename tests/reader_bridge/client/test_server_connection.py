"""The link: whom it dials and believes, how it waits, and that nobody can dial it."""

import asyncio
import json
import os
import ssl
from pathlib import Path

import pytest
from aiohttp import web

from reader_bridge.client.websocket import (
    FIRST_DELAY_SECONDS,
    MAX_DELAY_SECONDS,
    ReconnectDelay,
    ServerConnectionError,
    ServerConnector,
    UnencryptedAddressError,
)
from reader_bridge.prompter import (
    ConnectionProblem,
    ExitReason,
    OperationDone,
    PinKind,
    PrompterEvent,
    ServerConnected,
    ServerConnecting,
    ServerDisconnected,
    UpdateAvailable,
)
from reader_bridge.protocol.enums import ByeReason, ProtocolErrorCode
from reader_bridge.protocol.limits import API_LEVEL, SUBPROTOCOL
from reader_bridge.protocol.messages import encode_frame
from reader_bridge.protocol.operation_messages import Bye, ErrorMessage, OperationResult
from reader_bridge.protocol.operation_payloads import ChangePin
from reader_bridge.protocol.pairing_messages import (
    Greeting,
    Pair,
    Welcome,
)
from reader_bridge.virtual_card.reader import VirtualReader
from tests.reader_bridge.client.conftest import NEW_PIN, PIN, RunningClient, run_client
from tests.reader_bridge.scripted_prompter import ScriptedPrompter
from tests.reader_bridge.scripted_server import CODE, run_scripted_server
from tests.reader_bridge.server_certificate import make_self_signed_certificate, serving_context


@pytest.mark.parametrize(
    "url",
    [
        "ws://kaika.example/bridge/v1",
        "ws://127.0.0.1.kaika.example/bridge/v1",
        "ws://localhost.kaika.example/",
        "ws://[2001:db8::1]/",
        "ws://0.0.0.0/",
        "ws://192.168.1.2/",
        "http://127.0.0.1/",
        "https://kaika.example/",
        "//127.0.0.1/",
        "",
    ],
)
def test_nothing_unprotected_leaves_this_machine(url: str) -> None:
    with pytest.raises(UnencryptedAddressError):
        ServerConnector(url)


@pytest.mark.parametrize("url", ["ws://127.0.0.1:1/", "ws://[::1]:1/", "ws://localhost:1/"])
async def test_a_server_that_is_not_there_is_unreachable(url: str) -> None:
    assert await problem_of(ServerConnector(url)) is ConnectionProblem.UNREACHABLE


async def test_redirects_are_not_followed() -> None:
    async with run_scripted_server() as other:

        def redirect(application: web.Application) -> None:
            async def there(_: web.Request) -> web.Response:
                raise web.HTTPTemporaryRedirect(other.url.replace("ws://", "http://"))

            application.router.add_get("/there", there)

        async with run_scripted_server(redirect) as server:
            url = server.url.replace("/bridge/v1", "/there")
            assert await problem_of(ServerConnector(url)) is ConnectionProblem.WEB_PAGE
        assert other.frames == []


async def test_a_page_is_no_server() -> None:
    async with run_scripted_server() as server:
        assert (
            await problem_of(ServerConnector(server.url + "/nothing"))
            is ConnectionProblem.NOT_A_SERVER
        )


async def test_a_websocket_of_another_kind_is_no_server() -> None:
    def other(application: web.Application) -> None:
        async def chat(request: web.Request) -> web.WebSocketResponse:
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            await socket.receive()
            return socket

        application.router.add_get("/chat", chat)

    async with run_scripted_server(other) as server:
        url = server.url.replace("/bridge/v1", "/chat")
        assert await problem_of(ServerConnector(url)) is ConnectionProblem.NOT_A_SERVER


async def test_only_a_trusted_certificate_is_believed(tmp_path: Path) -> None:
    certificate, key = make_self_signed_certificate(tmp_path)
    serving = serving_context((certificate, key))
    application = web.Application()

    async def hello(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=(SUBPROTOCOL,))
        await socket.prepare(request)
        await socket.receive()
        return socket

    application.router.add_get("/bridge/v1", hello)
    runner = web.AppRunner(application, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=serving).start()
        url = f"wss://localhost:{runner.addresses[0][1]}/bridge/v1"
        assert await problem_of(ServerConnector(url)) is ConnectionProblem.CERTIFICATE
        assert (
            await problem_of(ServerConnector(url, ssl.create_default_context()))
            is ConnectionProblem.CERTIFICATE
        )
        pinned = ssl.create_default_context(cafile=str(certificate))
        async with ServerConnector(url, pinned).connect() as wire:
            await wire.send("believed")
        wrong_name = url.replace("localhost", "127.0.0.1")
        assert (
            await problem_of(ServerConnector(wrong_name, pinned)) is ConnectionProblem.CERTIFICATE
        )
    finally:
        await runner.cleanup()


def test_the_wait_doubles_to_a_limit_and_is_never_the_same_for_all() -> None:
    low, high = ReconnectDelay(lambda: 0.0), ReconnectDelay(lambda: 1.0)
    shortest, longest = (
        [low.next_delay() for _ in range(12)],
        [high.next_delay() for _ in range(12)],
    )
    assert longest[:4] == [FIRST_DELAY_SECONDS, 1.0, 2.0, 4.0]
    assert longest[-1] == MAX_DELAY_SECONDS
    assert shortest == [each / 2 for each in longest]
    high.reset()
    assert high.next_delay() == FIRST_DELAY_SECONDS


async def test_a_server_that_is_busy_or_goes_down_is_dialled_again(reader: VirtualReader) -> None:
    async with asyncio.timeout(20), run_client(reader) as harness:
        for code in (ProtocolErrorCode.BUSY, ProtocolErrorCode.GOING_DOWN):
            line = await harness.server.accept()
            await line.send_frame(encode_frame(ErrorMessage(code)))
            line.ended.set()
        line = await harness.server.accept()
        await line.pair()
        problems = [
            event.problem for event in harness.person.shown if isinstance(event, ServerDisconnected)
        ]
        assert problems == [ConnectionProblem.BUSY, ConnectionProblem.GOING_DOWN]
        kinds = [type(event) for event in harness.person.shown]
        assert kinds[:2] == [ServerConnecting, ServerDisconnected]
        assert ServerConnected in kinds


@pytest.mark.parametrize(
    ("newest", "told"), [(None, False), ("1.9.0", False), ("1.8.9", False), ("1.10.0", True)]
)
async def test_a_newer_release_is_announced_once(
    reader: VirtualReader, newest: str | None, told: bool
) -> None:
    async with asyncio.timeout(20), run_client(reader) as harness:
        for _ in range(2):
            line = await harness.server.accept()
            line.newest_app = newest
            await line.welcome()
            await line.receive(Pair)
            await line.cut()
        shown = [each for each in harness.person.shown if isinstance(each, UpdateAvailable)]
        assert shown == [UpdateAvailable("1.10.0")] * told


@pytest.mark.parametrize(
    "version", ["1", "1.2", "1.2.3.4", "v1.2.3", "1.2.3 https://evil.example", "99999.1.1", ""]
)
async def test_a_version_that_is_none_is_refused(reader: VirtualReader, version: str) -> None:
    async with asyncio.timeout(20), run_client(reader) as harness:
        line = await harness.server.accept()
        greeting = json.loads(encode_frame(Greeting((API_LEVEL,), line.nonce, line.origin)))
        await line.send_frame(json.dumps(greeting | {"newest_app": version}))
        assert "bad_message" in await line.receive_frame()


@pytest.mark.parametrize(
    ("levels", "reason"),
    [
        ((1, API_LEVEL + 1), ExitReason.UPDATE_NEEDED),
        ((API_LEVEL - 1,), ExitReason.SERVER_TOO_OLD),
    ],
)
async def test_a_server_of_another_level_is_told_and_left(
    reader: VirtualReader, levels: tuple[int, ...], reason: ExitReason
) -> None:
    async with asyncio.timeout(20), run_client(reader) as harness:
        line = await harness.server.accept()
        await line.send_frame(encode_frame(Greeting(levels, line.nonce, "ws://x")))
        assert ProtocolErrorCode.UNSUPPORTED_API_LEVEL.value in await line.receive_frame()
        line.ended.set()
        assert await harness.task is reason


@pytest.mark.parametrize(
    "welcome",
    [Welcome("s", resumed=True), Welcome("s", paired=True), Welcome("s", True, True, 5, 100)],
)
async def test_a_session_that_was_not_asked_for_is_not_taken(
    reader: VirtualReader, welcome: Welcome
) -> None:
    async with asyncio.timeout(20), run_client(reader) as harness:
        line = await harness.server.accept()
        await line.greet()
        await line.send_frame(encode_frame(welcome))
        assert ProtocolErrorCode.BAD_MESSAGE.value in await line.receive_frame()
        line.ended.set()
        await harness.pair()


async def test_a_resumption_from_nowhere_ends_the_pairing(reader: VirtualReader) -> None:
    async with asyncio.timeout(20), run_client(reader) as harness:
        line = await harness.pair()
        await line.cut()
        session, line = line.memory.session, await harness.server.accept()
        await line.greet()
        await line.send_frame(encode_frame(Welcome(session, True, True, 1000, 100)))
        assert ProtocolErrorCode.BAD_MESSAGE.value in await line.receive_frame()
        line.ended.set()
        line = await harness.server.accept()
        assert (await line.greet()).resume is None


async def test_closing_the_bridge_says_good_bye(harness: RunningClient) -> None:
    line = await harness.pair()
    harness.task.cancel()
    assert await line.receive(Bye) == Bye(ByeReason.CLOSED)


async def test_a_mistake_of_the_prompter_is_not_swallowed(reader: VirtualReader) -> None:
    class Broken(ScriptedPrompter):
        async def ask_pairing_code(self, problem: object) -> str | None:
            raise ZeroDivisionError

    async with asyncio.timeout(20), run_client(reader, Broken()) as harness:
        line = await harness.server.accept()
        await line.welcome()
        await line.receive(Bye)
        line.ended.set()
        with pytest.raises(ZeroDivisionError):
            await harness.task


async def test_the_server_hears_how_it_ended_even_where_the_screen_fails(
    reader: VirtualReader,
) -> None:
    class Broken(ScriptedPrompter):
        def show(self, event: PrompterEvent) -> None:
            if isinstance(event, OperationDone):
                raise ZeroDivisionError
            super().show(event)

    person = Broken((CODE,), {PinKind.CURRENT: [PIN], PinKind.NEW: [NEW_PIN]})
    async with asyncio.timeout(20), run_client(reader, person) as harness:
        line = await harness.pair()
        await line.start(ChangePin())
        result = await line.receive_end()
        assert isinstance(result, OperationResult)
        await line.receive(Bye)
        line.ended.set()
        with pytest.raises(ZeroDivisionError):
            await harness.task


async def test_the_bridge_listens_on_nothing(harness: RunningClient) -> None:
    """All sockets of this process that listen: the test's server, and no other."""
    await harness.pair()
    listening_ports = listened_ports()
    assert listening_ports == {int(harness.server.url.split(":")[2].split("/")[0])}


def listened_ports() -> set[int]:
    inodes = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    ports = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            listens = columns[3] == ("0A" if table.startswith("tcp") else "07")
            if columns[9] in inodes and listens:
                ports.add(int(columns[1].split(":")[1], 16))
    return ports


async def problem_of(link: ServerConnector) -> ConnectionProblem:
    with pytest.raises(ServerConnectionError) as failed:
        async with link.connect():
            pass
    return failed.value.problem
