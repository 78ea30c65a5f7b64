"""The websocket connection to the server. The client always dials and never listens.

`wss` with the given authorities; `ws` to this machine only. Redirects are not followed, nothing is
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
from urllib.parse import urlsplit

import aiohttp

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
    """

    def __init__(self, problem: ConnectionProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


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
    :raises UnencryptedAddressError: the address is `ws` on another machine.
    """

    def __init__(
        self, url: str, tls: ssl.SSLContext | None = None, timeout: float = GREETING_SECONDS
    ) -> None:
        parts = urlsplit(url)
        self._local = is_loopback(parts.hostname or "")
        if parts.scheme != "wss" and not (parts.scheme == "ws" and self._local):
            raise UnencryptedAddressError
        self._url, self._tls, self._timeout = url, tls, timeout

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[ServerConnection]:
        """Open a connection for the duration of a `with` block.

        :raises ServerConnectionError: the server cannot be reached, or is not a Kaika server.
        """
        tracing = aiohttp.TraceConfig()
        tracing.on_request_redirect.append(_refuse_redirect)
        async with aiohttp.ClientSession(
            trace_configs=[tracing], trust_env=not self._local
        ) as session:
            connection = await self._open_websocket(session)
            try:
                yield connection
            finally:
                await connection.close()

    async def _open_websocket(self, session: aiohttp.ClientSession) -> ServerConnection:
        try:
            async with asyncio.timeout(self._timeout):
                socket = await session.ws_connect(
                    self._url,
                    ssl=self._tls or True,
                    protocols=(SUBPROTOCOL,),
                    heartbeat=HEARTBEAT_SECONDS,
                    max_msg_size=MAX_FRAME_BYTES,
                    compress=0,
                    timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
                )
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError):
            raise ServerConnectionError(ConnectionProblem.CERTIFICATE) from None
        except (aiohttp.WSServerHandshakeError, aiohttp.ClientResponseError):
            raise ServerConnectionError(ConnectionProblem.NOT_A_SERVER) from None
        except (TimeoutError, OSError, aiohttp.ClientError):
            raise ServerConnectionError(ConnectionProblem.UNREACHABLE) from None
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


async def _refuse_redirect(
    _session: aiohttp.ClientSession,
    _context: SimpleNamespace,
    _parameters: aiohttp.TraceRequestRedirectParams,
) -> NoReturn:
    raise ServerConnectionError(ConnectionProblem.NOT_A_SERVER)
