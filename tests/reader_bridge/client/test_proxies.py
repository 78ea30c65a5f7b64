"""Proxies and what stands before a server: they are used, and what they answer is understood."""

import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from reader_bridge.client import proxies, websocket
from reader_bridge.client.proxies import InvalidProxyError, ProxySettings
from reader_bridge.client.websocket import ServerConnectionError, ServerConnector
from reader_bridge.prompter import (
    ConnectionProblem,
    ExitReason,
    ProxyLogin,
    ProxyLoginRequest,
    ServerDisconnected,
)
from reader_bridge.virtual_card.reader import VirtualReader
from tests.reader_bridge.bridge_runner import run_test_bridge
from tests.reader_bridge.client.conftest import scripted_person
from tests.reader_bridge.connect_proxy import ConnectProxy
from tests.reader_bridge.scripted_server import CODE, ScriptedServer, run_scripted_server
from tests.reader_bridge.server_certificate import make_self_signed_certificate, serving_context

HOST = "kaika.example"
URL = f"wss://{HOST}/bridge/v1"
VARIABLES = ("WSS_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that names no proxy."""
    for name in (*VARIABLES, *map(str.lower, VARIABLES)):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    return make_self_signed_certificate(tmp_path, HOST)


@pytest.fixture
def trusted(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate[0]))


@pytest.fixture
async def server(certificate: tuple[Path, Path]) -> AsyncIterator[ScriptedServer]:
    """A Kaika server with TLS, for the host above."""
    async with run_scripted_server(tls=serving_context(certificate)) as running:
        running.origin = f"wss://{HOST}"
        yield running


async def failure_of(connector: ServerConnector) -> ServerConnectionError:
    with pytest.raises(ServerConnectionError) as failed:
        async with connector.connect():
            pass
    return failed.value


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://proxy.example:3128"}, "proxy.example:3128"),
        ({"https_proxy": "proxy.example:3128"}, "proxy.example:3128"),
        ({"HTTPS_PROXY": "http://proxy.example"}, "proxy.example:80"),
        ({"HTTPS_PROXY": "https://proxy.example"}, "proxy.example:443"),
        ({"HTTPS_PROXY": "http://[2001:db8::1]:3128"}, "[2001:db8::1]:3128"),
        ({"HTTPS_PROXY": "http://anna:secret@proxy.example:3128"}, "proxy.example:3128"),
        ({"HTTP_PROXY": "http://proxy.example:3128"}, "proxy.example:3128"),
        ({"ALL_PROXY": "socks5h://proxy.example"}, "proxy.example:1080"),
        ({"HTTPS_PROXY": "http://a:1", "ALL_PROXY": "socks5://b:2", "HTTP_PROXY": "c:3"}, "a:1"),
        ({"HTTP_PROXY": "http://c:3", "ALL_PROXY": "socks5://b:2"}, "b:2"),
        ({"HTTPS_PROXY": "http://a:1", "WSS_PROXY": "http://d:4"}, "d:4"),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": HOST}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "localhost, .example"}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": f"{HOST}:443"}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": f"{HOST}:8443"}, "a:1"),
        ({"ALL_PROXY": "http://a:1", "no_proxy": "*"}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "aika.example"}, "a:1"),
    ],
)
async def test_the_environment_names_the_proxy(
    environment: pytest.MonkeyPatch, settings: dict[str, str], name: str | None
) -> None:
    for variable, value in settings.items():
        environment.setenv(variable, value)
    found = await ProxySettings().find_proxy(HOST, 443)
    assert (found and found.name) == name


@pytest.mark.parametrize(
    ("settings", "name", "speaks_socks"),
    [
        # as urllib returns what Windows and macOS have
        ({"http": "http://p:80", "https": "http://p:80", "ftp": "http://p:80"}, "p:80", False),
        ({"http": "socks4://p:9", "https": "socks4://p:9", "socks": "socks://p:9"}, "p:9", True),
        ({"socks": "http://p:1080"}, "p:1080", True),
    ],
)
async def test_the_system_names_the_proxy(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], name: str, speaks_socks: bool
) -> None:
    monkeypatch.setattr(proxies, "getproxies", lambda: settings)
    found = await ProxySettings().find_proxy(HOST, 443)
    assert found is not None
    assert (found.name, found.socks_type is not None) == (name, speaks_socks)


@pytest.mark.parametrize(
    "text", ["ftp://a:1", "http://", "http://a:0", "http://a:99999", "http://[:1"]
)
async def test_what_cannot_be_a_proxy_is_told(environment: pytest.MonkeyPatch, text: str) -> None:
    environment.setenv("HTTPS_PROXY", text)
    with pytest.raises(InvalidProxyError):
        await ProxySettings().find_proxy(HOST, 443)
    failed = await failure_of(ServerConnector(URL))
    assert failed.problem is ConnectionProblem.PROXY_INVALID


def test_no_password_is_ever_printed() -> None:
    assert "secret" not in repr(ProxyLogin("anna", "secret"))


async def test_the_server_is_reached_through_the_proxy(
    environment: pytest.MonkeyPatch, server: ScriptedServer, trusted: ssl.SSLContext
) -> None:
    async with ConnectProxy.running(server.port) as proxy:
        environment.setenv("HTTPS_PROXY", proxy.url)
        async with ServerConnector(URL, trusted).connect() as connection:
            (await server.accept()).ended.set()
            await connection.close()
        assert proxy.asked == [f"CONNECT {HOST}:443 HTTP/1.1"]


async def test_behind_the_proxy_only_a_trusted_certificate_is_believed(
    environment: pytest.MonkeyPatch, server: ScriptedServer
) -> None:
    async with ConnectProxy.running(server.port) as proxy:
        environment.setenv("HTTPS_PROXY", proxy.url)
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the refused handshake
        failed = await failure_of(ServerConnector(URL))
    assert failed.problem is ConnectionProblem.CERTIFICATE


async def test_this_machine_is_never_reached_through_a_proxy(
    environment: pytest.MonkeyPatch,
) -> None:
    async with ConnectProxy.running() as proxy, run_scripted_server() as server:
        environment.setenv("ALL_PROXY", proxy.url)
        async with ServerConnector(server.url).connect():
            (await server.accept()).ended.set()
        assert proxy.asked == []


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ('407 Who\r\nProxy-Authenticate: Basic realm="x"', ConnectionProblem.PROXY_LOGIN),
        (
            "407 Who\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: Basic realm=x",
            ConnectionProblem.PROXY_LOGIN,
        ),
        ("407 Who\r\nProxy-Authenticate: NTLM", ConnectionProblem.PROXY_LOGIN_UNKNOWN),
        ("407 Who", ConnectionProblem.PROXY_LOGIN_UNKNOWN),
        ("403 Forbidden", ConnectionProblem.PROXY_REFUSED),
        ("405 No", ConnectionProblem.PROXY_REFUSED),
        ("502 Bad Gateway", ConnectionProblem.PROXY_CANNOT_REACH),
        ("503 No", ConnectionProblem.PROXY_CANNOT_REACH),
        ("504 No", ConnectionProblem.PROXY_CANNOT_REACH),
        ("302 Found\r\nLocation: http://portal.example/", ConnectionProblem.WEB_PAGE),
        ("511 Sign in", ConnectionProblem.WEB_PAGE),
        ("nonsense", ConnectionProblem.NOT_A_SERVER),
    ],
)
async def test_what_the_proxy_answers_is_understood(
    environment: pytest.MonkeyPatch, answer: str, problem: ConnectionProblem
) -> None:
    async with ConnectProxy.running() as proxy:
        proxy.answer = answer
        environment.setenv("HTTPS_PROXY", proxy.url)
        failed = await failure_of(ServerConnector(URL))
        assert (failed.problem, failed.proxy) == (problem, proxy.name)
        assert len(proxy.asked) == 1, "no redirect is followed"


async def test_a_proxy_that_is_not_there_is_told(environment: pytest.MonkeyPatch) -> None:
    for scheme in ("http", "socks5"):
        environment.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:9")
        failed = await failure_of(ServerConnector(URL))
        assert failed.problem is ConnectionProblem.PROXY_UNREACHABLE
        assert failed.proxy == "127.0.0.1:9"


async def test_name_and_password_are_asked_for_until_they_are_right(
    environment: pytest.MonkeyPatch,
    server: ScriptedServer,
    trusted: ssl.SSLContext,
    reader: VirtualReader,
) -> None:
    logins = (ProxyLogin("anna", "wrong"), ProxyLogin("anna", "pässword: 1"))
    person = scripted_person(logins=logins)
    async with asyncio.timeout(20), ConnectProxy.running(server.port) as proxy:
        proxy.login = "anna:pässword: 1"
        environment.setenv("HTTPS_PROXY", proxy.url)
        connector = ServerConnector(URL, trusted)
        async with run_test_bridge(URL, person, reader, connector=connector):
            line = await server.accept_and_pair()
            await line.cut()
            await server.accept()  # with the login that it has
            server.close()
        assert proxy.logins == [None, "anna:wrong", proxy.login, proxy.login]
    asked = [each for each in person.asked if isinstance(each, ProxyLoginRequest)]
    assert asked == [ProxyLoginRequest(proxy.name, refused) for refused in (False, True)]


async def test_a_refused_login_is_sent_once_and_the_person_may_leave(
    environment: pytest.MonkeyPatch, reader: VirtualReader
) -> None:
    person = scripted_person()
    async with asyncio.timeout(20), ConnectProxy.running() as proxy:
        proxy.login = "anna:right"
        environment.setenv("HTTPS_PROXY", proxy.url.replace("//", "//anna:old@"))
        connector = ServerConnector(URL)
        async with run_test_bridge(URL, person, reader, connector=connector) as bridge:
            assert await bridge.task is ExitReason.LEFT
        assert person.asked == [ProxyLoginRequest(proxy.name, is_refused=True)]
        await failure_of(connector)
        assert proxy.logins == ["anna:old", None]


# Other people's proxies and servers


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def running_program(port: int, *command: str | Path) -> Iterator[None]:
    """Run a server until the block ends; it accepts connections when the block begins."""
    process = subprocess.Popen([str(word) for word in command], stderr=subprocess.DEVNULL)
    try:
        for _ in range(400):
            with socket.socket() as attempt:
                attempt.settimeout(0.02)
                if attempt.connect_ex(("127.0.0.1", port)) == 0:
                    break
            with contextlib.suppress(subprocess.TimeoutExpired):
                raise AssertionError(f"{command[0]} has ended: {process.wait(0.02)}")
        yield
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def behind_proxies(environment: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Reach this machine through proxies too, which resolve names themselves."""
    environment.setattr(websocket, "is_loopback", lambda _: False)
    return environment


@pytest.fixture
async def local_server(tmp_path: Path) -> AsyncIterator[tuple[str, ssl.SSLContext]]:
    """The address of a server with TLS at `localhost`, and who has to be trusted."""
    certificate = make_self_signed_certificate(tmp_path)
    async with run_scripted_server(tls=serving_context(certificate)) as running:
        context = ssl.create_default_context(cafile=str(certificate[0]))
        yield f"wss://localhost:{running.port}/bridge/v1", context
        running.close()


async def assert_login_is_wanted(
    url: str, trusted: ssl.SSLContext, environment: pytest.MonkeyPatch, scheme: str, port: int
) -> None:
    settings = ProxySettings()
    connector = ServerConnector(url, trusted, proxies=settings)
    for login in ("", "anna:wrong@"):
        environment.setenv("ALL_PROXY", f"{scheme}://{login}127.0.0.1:{port}")
        assert (await failure_of(connector)).problem is ConnectionProblem.PROXY_LOGIN
    settings.use_login(ProxyLogin("anna", "secret"))
    async with connector.connect():
        pass


async def test_tinyproxy_is_passed(
    behind_proxies: pytest.MonkeyPatch, tmp_path: Path, local_server: tuple[str, ssl.SSLContext]
) -> None:
    port, file = free_port(), tmp_path / "tinyproxy.conf"
    file.write_text(f"Port {port}\nListen 127.0.0.1\nTimeout 60\nBasicAuth anna secret\n")
    with running_program(port, "tinyproxy", "-d", "-c", file):
        await assert_login_is_wanted(*local_server, behind_proxies, "http", port)
        closed = ServerConnector(f"wss://localhost:{free_port()}/", local_server[1])
        behind_proxies.setenv("ALL_PROXY", f"http://anna:secret@127.0.0.1:{port}")
        assert (await failure_of(closed)).problem is ConnectionProblem.PROXY_CANNOT_REACH


async def test_microsocks_is_passed(
    behind_proxies: pytest.MonkeyPatch, local_server: tuple[str, ssl.SSLContext]
) -> None:
    port = free_port()
    command = ("microsocks", "-i", "127.0.0.1", "-p", str(port))
    with running_program(port, *command, "-u", "anna", "-P", "secret"):
        await assert_login_is_wanted(*local_server, behind_proxies, "socks5h", port)
        behind_proxies.setenv("ALL_PROXY", f"socks5://anna:secret@127.0.0.1:{port}")
        assert (
            await failure_of(ServerConnector(local_server[0]))
        ).problem is ConnectionProblem.CERTIFICATE
        closed = ServerConnector(f"wss://localhost:{free_port()}/", local_server[1])
        assert (await failure_of(closed)).problem is ConnectionProblem.PROXY_CANNOT_REACH


NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log /dev/null;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    default_type text/html;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate}; ssl_certificate_key {key};
        location = /bridge/v1 {{
            proxy_pass http://127.0.0.1:{target};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_read_timeout 1h;
        }}
        location = /forgotten {{ proxy_pass http://127.0.0.1:{target}/bridge/v1; }}
        location = /gone {{ proxy_pass http://127.0.0.1:9; }}
        location = /maintenance {{ return 503; }}
        location = /moved {{ return 301 http://portal.example/; }}
        location = /page {{ return 200 "<html>Sign in</html>"; }}
        location = /blocked {{ return 403 "<html>Blocked</html>"; }}
        location = /many {{ return 429; }}
    }}
}}
"""


async def test_nginx_before_the_server_is_understood(tmp_path: Path) -> None:
    assert shutil.which("nginx"), "make system installs it"
    certificate, key = make_self_signed_certificate(tmp_path)
    trusted, port = ssl.create_default_context(cafile=str(certificate)), free_port()
    file = tmp_path / "nginx.conf"

    def connector(path: str) -> ServerConnector:
        return ServerConnector(f"wss://localhost:{port}/{path}", trusted)

    async with run_scripted_server() as server:
        values = {"port": port, "target": server.port, "folder": tmp_path}
        file.write_text(NGINX.format(certificate=certificate, key=key, **values))
        with running_program(port, "nginx", "-e", "/dev/null", "-p", tmp_path, "-c", file):
            async with connector("bridge/v1").connect():
                (await server.accept()).ended.set()
            for path, problem in {
                "forgotten": ConnectionProblem.NOT_A_SERVER,
                "nothing": ConnectionProblem.NOT_A_SERVER,
                "maintenance": ConnectionProblem.RESTING,
                "gone": ConnectionProblem.RESTING,
                "moved": ConnectionProblem.WEB_PAGE,
                "page": ConnectionProblem.WEB_PAGE,
                "blocked": ConnectionProblem.WEB_PAGE,
                "many": ConnectionProblem.BUSY,
            }.items():
                assert (await failure_of(connector(path))).problem is problem, path


async def test_a_service_that_rests_is_tried_again(reader: VirtualReader, tmp_path: Path) -> None:
    """Behind nginx, while the server is started again."""
    certificate, key = make_self_signed_certificate(tmp_path)
    trusted, port, target = (
        ssl.create_default_context(cafile=str(certificate)),
        free_port(),
        free_port(),
    )
    file = tmp_path / "nginx.conf"
    values = {"port": port, "target": target, "folder": tmp_path}
    file.write_text(NGINX.format(certificate=certificate, key=key, **values))
    url = f"wss://localhost:{port}/bridge/v1"
    person = scripted_person((CODE,))
    with running_program(port, "nginx", "-e", "/dev/null", "-p", tmp_path, "-c", file):
        connector = ServerConnector(url, trusted)
        async with (
            asyncio.timeout(20),
            run_test_bridge(url, person, reader, connector=connector, reconnect_seconds=0.05),
        ):
            await person.wait_until(
                lambda: any(isinstance(each, ServerDisconnected) for each in person.shown)
            )
            async with run_scripted_server(port=target) as server:
                server.origin = f"wss://localhost:{port}"
                await server.accept_and_pair()
    problems = {each.problem for each in person.shown if isinstance(each, ServerDisconnected)}
    assert ConnectionProblem.RESTING in problems
