"""The link to the server: a websocket that is dialled, never listened for.

`wss` with the authorities it is given; `ws` to this machine alone. Redirects are not followed,
nothing is compressed, and a frame has its bounds.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from types import SimpleNamespace
from typing import NoReturn
from urllib.parse import urlsplit

import aiohttp

from reader_bridge.prompter import LinkProblem
from reader_bridge.protocol.limits import (
    GREETING_SECONDS,
    HEARTBEAT_SECONDS,
    MOST_FRAME_BYTES,
    SUBPROTOCOL,
)

_CLOSED = (
    aiohttp.WSMsgType.CLOSE,
    aiohttp.WSMsgType.CLOSING,
    aiohttp.WSMsgType.CLOSED,
    aiohttp.WSMsgType.ERROR,
)


class LinkError(Exception):
    """There is no link, or not any more.

    :ivar problem: why.
    """

    def __init__(self, problem: LinkProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


class UnprotectedError(ValueError):
    """The address is an unprotected one of another machine; it is not dialled."""


class Wire:
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
            raise LinkError(LinkProblem.LOST) from None

    async def receive(self) -> str:
        """Wait for a frame.

        :raises LinkError: where the link is gone, or what comes is no text within the bounds.
        """
        message = await self._socket.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            return str(message.data)
        if message.type in _CLOSED:
            raise LinkError(LinkProblem.LOST)
        raise LinkError(LinkProblem.MISUNDERSTOOD)

    async def close(self) -> None:
        """End the link."""
        await self._socket.close()


class Link:
    """Dials one server.

    :param tls: whom to believe; only for `wss`.
    :raises UnprotectedError: for `ws` to another machine.
    """

    def __init__(
        self, url: str, tls: ssl.SSLContext | None = None, seconds: float = GREETING_SECONDS
    ) -> None:
        parts = urlsplit(url)
        self._local = is_this_machine(parts.hostname or "")
        if parts.scheme != "wss" and not (parts.scheme == "ws" and self._local):
            raise UnprotectedError
        self._url, self._tls, self._seconds = url, tls, seconds

    @asynccontextmanager
    async def dial(self) -> AsyncIterator[Wire]:
        """Make a link, and end it.

        :raises LinkError: where there is none.
        """
        tracing = aiohttp.TraceConfig()
        tracing.on_request_redirect.append(_refuse_redirect)
        async with aiohttp.ClientSession(
            trace_configs=[tracing], trust_env=not self._local
        ) as session:
            wire = await self._connect(session)
            try:
                yield wire
            finally:
                await wire.close()

    async def _connect(self, session: aiohttp.ClientSession) -> Wire:
        try:
            async with asyncio.timeout(self._seconds):
                socket = await session.ws_connect(
                    self._url,
                    ssl=self._tls or True,
                    protocols=(SUBPROTOCOL,),
                    heartbeat=HEARTBEAT_SECONDS,
                    max_msg_size=MOST_FRAME_BYTES,
                    compress=0,
                    timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
                )
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError):
            raise LinkError(LinkProblem.CERTIFICATE) from None
        except (aiohttp.WSServerHandshakeError, aiohttp.ClientResponseError):
            raise LinkError(LinkProblem.NOT_A_SERVER) from None
        except (TimeoutError, OSError, aiohttp.ClientError):
            raise LinkError(LinkProblem.UNREACHABLE) from None
        if socket.protocol != SUBPROTOCOL:
            await socket.close()
            raise LinkError(LinkProblem.NOT_A_SERVER)
        return Wire(socket)


def is_this_machine(host: str) -> bool:
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
    raise LinkError(LinkProblem.NOT_A_SERVER)
