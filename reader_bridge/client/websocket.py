"""The link to the server: a websocket that is dialled, never listened for.

`wss` with the authorities it is given; `ws` to this machine alone. Redirects are not followed,
nothing is compressed, and a frame has its bounds.
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
    """There is no link, or not any more.

    :ivar problem: why.
    """

    def __init__(self, problem: ConnectionProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


class UnencryptedAddressError(ValueError):
    """The address is an unprotected one of another machine; it is not dialled."""


class ServerConnection:
    """A link that stands."""

    def __init__(self, socket: "aiohttp.ClientWebSocketResponse") -> None:
        self._socket = socket

    async def send(self, frame: str) -> None:
        """Send a frame.

        :raises LinkError: where the link is gone.
        """
        try:
            await self._socket.send_str(frame)
        except (ConnectionError, aiohttp.ClientError, RuntimeError):
            raise ServerConnectionError(ConnectionProblem.LOST) from None

    async def receive(self) -> str:
        """Wait for a frame.

        :raises LinkError: where the link is gone, or what comes is no text within the bounds.
        """
        message = await self._socket.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            return str(message.data)
        if message.type in _CLOSED:
            raise ServerConnectionError(ConnectionProblem.LOST)
        raise ServerConnectionError(ConnectionProblem.MISUNDERSTOOD)

    async def close(self) -> None:
        """End the link."""
        await self._socket.close()


class ServerConnector:
    """Dials one server.

    :param tls: whom to believe; only for `wss`.
    :raises UnprotectedError: for `ws` to another machine.
    """

    def __init__(
        self, url: str, tls: ssl.SSLContext | None = None, timeout: float = GREETING_SECONDS
    ) -> None:
        parts = urlsplit(url)
        self._local = is_loopback(parts.hostname or "")
        if parts.scheme != "wss" and not (parts.scheme == "ws" and self._local):
            raise UnencryptedAddressError
        self._url, self._tls, self._seconds = url, tls, timeout

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[ServerConnection]:
        """Make a link, and end it.

        :raises LinkError: where there is none.
        """
        tracing = aiohttp.TraceConfig()
        tracing.on_request_redirect.append(_refuse_redirect)
        async with aiohttp.ClientSession(
            trace_configs=[tracing], trust_env=not self._local
        ) as session:
            wire = await self._open_websocket(session)
            try:
                yield wire
            finally:
                await wire.close()

    async def _open_websocket(self, session: aiohttp.ClientSession) -> ServerConnection:
        try:
            async with asyncio.timeout(self._seconds):
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
    """Doubles the wait at every failure, and draws from it, so that bridges do not come at once.

    :param draw: a number from 0 to 1.
    """

    def __init__(self, draw: Callable[[], float] = random.random) -> None:
        self._draw = draw
        self._failures = 0

    def next_delay(self) -> float:
        """Give the seconds to wait: from half of the step to the whole."""
        step = min(MAX_DELAY_SECONDS, FIRST_DELAY_SECONDS * (1 << min(self._failures, 10)))
        self._failures += 1
        return step * (0.5 + self._draw() / 2)

    def reset(self) -> None:
        """Begin anew: there was a link that held."""
        self._failures = 0


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine itself, without asking any name server."""
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
