"""The websocket connection to the server. The client always dials and never listens.

`wss` with the given authorities, through a proxy where the environment or the system names one;
`ws` to this machine only, and never through a proxy. Redirects are not followed, nothing is
compressed, and frames are bounded.
"""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from types import SimpleNamespace
from typing import NoReturn

import aiohttp
from aiohttp_socks import ProxyConnector
from yarl import URL

from reader_bridge.client.connection_problems import PROXY_ERRORS, find_problem
from reader_bridge.client.proxies import InvalidProxyError, ProxySettings, ServerProxy
from reader_bridge.prompter import ConnectionProblem
from reader_bridge.protocol.limits import (
    GREETING_SECONDS,
    HEARTBEAT_SECONDS,
    MAX_FRAME_BYTES,
    SUBPROTOCOL,
)

FIRST_DELAY_SECONDS, MAX_DELAY_SECONDS = 0.5, 30.0
_CLOSED = (
    aiohttp.WSMsgType.CLOSE,
    aiohttp.WSMsgType.CLOSING,
    aiohttp.WSMsgType.CLOSED,
    aiohttp.WSMsgType.ERROR,
)


class ServerConnectionError(Exception):
    """There is no connection, or it was lost.

    :ivar problem: why.
    :ivar proxy: the proxy that was dialled, by host and port.
    :ivar has_login: the proxy was sent a name and password.
    """

    def __init__(self, problem: ConnectionProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.proxy: str | None = None
        self.has_login = False


class UnencryptedAddressError(ValueError):
    """The address is `ws` on another machine, which is never dialled."""


class ServerConnection:
    """An open connection."""

    def __init__(self, socket: "aiohttp.ClientWebSocketResponse") -> None:
        self._socket = socket

    async def send(self, frame: str) -> None:
        """Send a frame.

        :raises ServerConnectionError: the connection is lost.
        """
        try:
            await self._socket.send_str(frame)
        except (ConnectionError, aiohttp.ClientError, RuntimeError):
            raise ServerConnectionError(ConnectionProblem.LOST) from None

    async def receive(self) -> str:
        """Wait for a frame.

        :raises ServerConnectionError: the connection is lost, or what came is not a bounded text.
        """
        message = await self._socket.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            return str(message.data)
        if message.type in _CLOSED:
            raise ServerConnectionError(ConnectionProblem.LOST)
        raise ServerConnectionError(ConnectionProblem.MISUNDERSTOOD)

    async def close(self) -> None:
        """Close the connection."""
        await self._socket.close()


class ServerConnector:
    """Connects to one server.

    :param tls: the authorities to trust; unused for `ws`.
    :ivar proxies: finds the proxy for every connection again, since a laptop changes its network.
    :raises UnencryptedAddressError: the address is `ws` on another machine.
    """

    def __init__(
        self,
        url: str,
        tls: ssl.SSLContext | None = None,
        timeout: float = GREETING_SECONDS,
        proxies: ProxySettings | None = None,
    ) -> None:
        parts = URL(url)
        self._host, self._port = parts.host or "", parts.port or 0
        self._is_local = is_loopback(self._host)
        if parts.scheme != "wss" and not (parts.scheme == "ws" and self._is_local):
            raise UnencryptedAddressError
        self._url, self._tls, self._timeout = url, tls, timeout
        self.proxies = proxies or ProxySettings()

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[ServerConnection]:
        """Open a connection for the duration of a `with` block.

        :raises ServerConnectionError: the server cannot be reached, or is not a Kaika server.
        """
        proxy = await self._find_proxy()
        tracing = aiohttp.TraceConfig()
        tracing.on_request_redirect.append(_refuse_redirect)
        async with aiohttp.ClientSession(
            connector=_socks_connector(proxy), trace_configs=[tracing]
        ) as session:
            try:
                connection = await self._open_websocket(session, proxy)
            except ServerConnectionError as error:
                if proxy is not None:
                    error.proxy, error.has_login = proxy.name, proxy.login is not None
                    if error.problem is ConnectionProblem.PROXY_LOGIN:
                        self.proxies.refuse_login(proxy.login)
                raise
            try:
                yield connection
            finally:
                await connection.close()

    async def _find_proxy(self) -> ServerProxy | None:
        if self._is_local:
            return None
        try:
            return await self.proxies.find_proxy(self._host, self._port)
        except InvalidProxyError:
            raise ServerConnectionError(ConnectionProblem.PROXY_INVALID) from None

    async def _open_websocket(
        self, session: aiohttp.ClientSession, proxy: ServerProxy | None
    ) -> ServerConnection:
        http_proxy = proxy if proxy is not None and proxy.socks_type is None else None
        try:
            async with asyncio.timeout(self._timeout):
                socket = await session.ws_connect(
                    self._url,
                    ssl=self._tls or True,
                    proxy=http_proxy.url if http_proxy else None,
                    proxy_headers=_login_headers(http_proxy),
                    protocols=(SUBPROTOCOL,),
                    heartbeat=HEARTBEAT_SECONDS,
                    max_msg_size=MAX_FRAME_BYTES + 1,  # aiohttp accepts what is smaller than this
                    compress=0,
                    timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
                )
        except (OSError, aiohttp.ClientError, *PROXY_ERRORS) as error:
            raise ServerConnectionError(find_problem(error)) from None
        if socket.protocol != SUBPROTOCOL:
            await socket.close()
            raise ServerConnectionError(ConnectionProblem.NOT_A_SERVER)
        return ServerConnection(socket)


class ReconnectDelay:
    """Exponential back-off with jitter, so that clients do not all come back at the same moment.

    :param draw: a random number from 0 to 1.
    """

    def __init__(self, draw: Callable[[], float] = random.random) -> None:
        self._draw = draw
        self._failures = 0

    def next_delay(self) -> float:
        """Return the seconds to wait: between half of the current step and the whole."""
        step = min(MAX_DELAY_SECONDS, FIRST_DELAY_SECONDS * (1 << min(self._failures, 10)))
        self._failures += 1
        return step * (0.5 + self._draw() / 2)

    def reset(self) -> None:
        """Start over with the shortest delay."""
        self._failures = 0


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, decided without asking a name server."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _login_headers(proxy: ServerProxy | None) -> dict[str, str]:
    if proxy is None or proxy.login is None:
        return {}
    encoded = aiohttp.encode_basic_auth(proxy.login.user, proxy.login.password, "utf-8")
    return {"Proxy-Authorization": encoded}


def _socks_connector(proxy: ServerProxy | None) -> aiohttp.TCPConnector | None:
    """Return what dials through a SOCKS proxy; `None` where there is none."""
    if proxy is None or proxy.socks_type is None:
        return None
    return ProxyConnector(
        proxy.url.host or "",
        proxy.url.port or 0,
        proxy.socks_type,
        proxy.login.user if proxy.login else None,
        proxy.login.password if proxy.login else None,
        rdns=proxy.url.scheme != "socks4",  # which knows addresses only
    )


async def _refuse_redirect(
    _session: aiohttp.ClientSession,
    _context: SimpleNamespace,
    _parameters: aiohttp.TraceRequestRedirectParams,
) -> NoReturn:
    raise ServerConnectionError(ConnectionProblem.WEB_PAGE)
