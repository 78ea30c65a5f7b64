"""The last step of the check: whether a Kaika server answers, and the right one."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from reader_bridge.app.address import ServerAddress, parse_address
from reader_bridge.app.check import texts
from reader_bridge.app.check.run import CheckOutcome
from reader_bridge.app.check.server import check_server
from reader_bridge.app.tls import AuthorityFileError, create_tls_context
from reader_bridge.protocol import encode_frame
from reader_bridge.protocol.enums import ProtocolErrorCode
from reader_bridge.protocol.limits import API_LEVEL, SUBPROTOCOL
from reader_bridge.protocol.operation_messages import ErrorMessage
from reader_bridge.protocol.pairing_messages import Greeting
from tests.reader_bridge.server_certificate import make_self_signed_certificate

TRUSTED = create_tls_context(None)
Handler = Callable[[web.Request], object]


@asynccontextmanager
async def serving(
    handler: object, tls: ssl.SSLContext | None = None
) -> AsyncIterator[ServerAddress]:
    application = web.Application()
    application.router.add_get("/bridge/v1", handler)  # type: ignore[arg-type]
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    port = runner.addresses[0][1]
    try:
        yield parse_address(f"{'wss' if tls else 'ws'}://localhost:{port}")
    finally:
        await runner.cleanup()


def saying(frame: str | bytes | None, *protocols: str) -> Callable[[web.Request], object]:
    async def handle(request: web.Request) -> web.WebSocketResponse:
        link = web.WebSocketResponse(protocols=protocols, timeout=0.1)
        await link.prepare(request)
        if isinstance(frame, str):
            await link.send_str(frame)
        elif frame is not None:
            await link.send_bytes(frame)
        await link.receive()
        return link

    return handle


def greeting(*levels: int) -> str:
    return encode_frame(Greeting(levels, bytes(32), "wss://kaika.example"))


@pytest.mark.parametrize(
    ("handler", "code"),
    [
        (saying(greeting(API_LEVEL), SUBPROTOCOL), "server_answers"),
        (saying(greeting(1, API_LEVEL), SUBPROTOCOL), "server_answers"),
        (saying(greeting(1), SUBPROTOCOL), "server_older"),
        (saying(greeting(API_LEVEL + 1), SUBPROTOCOL), "server_other"),
        (saying(greeting(API_LEVEL)), "server_not_kaika"),
        (saying("nonsense", SUBPROTOCOL), "server_not_kaika"),
        (saying(b"\x00" * 9, SUBPROTOCOL), "server_not_kaika"),
        (saying("[" * 60_000, SUBPROTOCOL), "server_not_kaika"),
        (saying("x" * 100_000, SUBPROTOCOL), "server_not_kaika"),
        (saying(None, SUBPROTOCOL), "server_silent"),
    ],
)
async def test_who_answers_is_told(handler: Handler, code: str) -> None:
    async with serving(handler) as address:
        finding = await check_server(address, TRUSTED, seconds=1.0)
    assert finding.code == code
    assert finding.outcome is (CheckOutcome.OK if code == "server_answers" else CheckOutcome.FAILED)
    assert (texts.remedy_text(finding, "en") is None) == (code == "server_answers")
    assert address.host in texts.finding_text(finding, "zh_Hant")


async def test_an_ordinary_web_page_is_no_server() -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    async with serving(page) as address:
        assert (await check_server(address, TRUSTED)).code == "server_not_kaika"


async def test_no_redirect_is_followed() -> None:
    asked = []

    async def other(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        return await saying(greeting(API_LEVEL), SUBPROTOCOL)(request)  # type: ignore[misc,no-any-return]

    async with serving(other) as target:

        async def redirect(_: web.Request) -> web.Response:
            raise web.HTTPFound(target.url.replace("ws:", "http:"))

        async with serving(redirect) as address:
            assert (await check_server(address, TRUSTED)).code == "server_web_page"
    assert asked == []


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (ProtocolErrorCode.BUSY, "server_busy"),
        (ProtocolErrorCode.GOING_DOWN, "server_resting"),
        (ProtocolErrorCode.UNSUPPORTED_API_LEVEL, "server_other"),
        (ProtocolErrorCode.BAD_MESSAGE, "server_not_kaika"),
    ],
)
async def test_a_server_that_greets_nobody_says_why(code: ProtocolErrorCode, told: str) -> None:
    async with serving(saying(encode_frame(ErrorMessage(code)), SUBPROTOCOL)) as address:
        assert (await check_server(address, TRUSTED)).code == told


async def test_nobody_there_is_told() -> None:
    async with serving(saying(None)) as address:
        pass
    assert (await check_server(address, TRUSTED)).code == "server_unreachable"


async def test_a_name_that_does_not_exist_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    finding = await check_server(parse_address("wss://kaika.invalid"), TRUSTED)
    assert finding.code == "server_name_unknown"


async def test_without_an_address_it_is_skipped() -> None:
    finding = await check_server(None, TRUSTED)
    assert (finding.outcome, finding.code) == (CheckOutcome.SKIPPED, "no_server_yet")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """An authority nobody knows, with its key, for `localhost`."""
    path = tmp_path / "server.pem"
    certificate, key = make_self_signed_certificate(tmp_path)
    path.write_bytes(key.read_bytes() + certificate.read_bytes())
    return path


async def test_an_unknown_authority_is_believed_only_where_it_was_given(certificate: Path) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # of the refused handshake
    async with serving(saying(greeting(API_LEVEL), SUBPROTOCOL), tls) as address:
        assert (await check_server(address, TRUSTED)).code == "server_not_trusted"
        trusted = create_tls_context(certificate)
        assert (await check_server(address, trusted)).code == "server_answers"


def test_with_a_file_the_systems_authorities_are_not_believed(certificate: Path) -> None:
    assert create_tls_context(certificate).cert_store_stats()["x509_ca"] == 1
    assert create_tls_context(certificate).verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        b"\xff\xfe",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----" * 100_000,
    ],
)
def test_a_file_without_certificates_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(content)
    with pytest.raises(AuthorityFileError) as caught:
        create_tls_context(path)
    assert caught.value.readable


def test_a_folder_or_nothing_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(AuthorityFileError) as caught:
            create_tls_context(path)
        assert not caught.value.readable
