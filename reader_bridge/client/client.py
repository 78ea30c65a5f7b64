"""The bridge as a whole: dials, greets, listens, and dials again."""

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable
from typing import TypeVar

from reader_bridge.card.connection import CardReaders
from reader_bridge.client.session import BridgeSession, SessionTimeouts
from reader_bridge.client.websocket import (
    ReconnectDelay,
    ServerConnection,
    ServerConnectionError,
    ServerConnector,
)
from reader_bridge.prompter import (
    ConnectionProblem,
    ExitReason,
    Prompter,
    ServerConnected,
    ServerConnecting,
    ServerDisconnected,
)
from reader_bridge.protocol.errors import ProtocolError, UnknownOperationError
from reader_bridge.protocol.limits import API_LEVEL, GREETING_SECONDS, NONCE_BYTES
from reader_bridge.protocol.messages import encode_frame, parse_frame
from reader_bridge.protocol.operation_messages import ErrorMessage
from reader_bridge.protocol.pairing_messages import Greeting, Hello, Welcome
from reader_bridge.protocol.vocabulary import ProtocolErrorCode

STABLE_SECONDS = 10.0
"""A link that stood this long was a good one: the next wait begins short again."""
_PROBLEM_BY_ERROR_CODE = {
    ProtocolErrorCode.BUSY: ConnectionProblem.BUSY,
    ProtocolErrorCode.GOING_DOWN: ConnectionProblem.GOING_DOWN,
}
_Expected = TypeVar("_Expected", Greeting, Welcome)


class UpdateRequiredError(Exception):
    """There is no level of the protocol that both sides speak."""


class BridgeClient:
    """A bridge to one server.

    :param tls: whom to believe; only for `wss`.
    :param sleep: how time passes between two links.
    """

    def __init__(
        self,
        connector: ServerConnector,
        session: BridgeSession,
        host: str,
        prompter: Prompter,
        *,
        language: str,
        app_version: str,
        reconnect_delay: ReconnectDelay | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._connector, self._session, self._host = connector, session, host
        self._prompter = prompter
        self._language, self._app_version = language, app_version
        self._reconnect_delay = reconnect_delay or ReconnectDelay()
        self._sleep = sleep

    async def run(self) -> ExitReason:
        """Be there for the server until the person leaves. Cancelling it says good-bye."""
        keeper = asyncio.ensure_future(self._stay_connected())
        try:
            await asyncio.wait(
                (keeper, self._session.exit_reason), return_when=asyncio.FIRST_COMPLETED
            )
            return self._session.exit_reason.result() if not keeper.done() else keeper.result()
        finally:
            await self._session.close()
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)

    async def _stay_connected(self) -> ExitReason:
        loop = asyncio.get_running_loop()
        while True:
            self._prompter.show(ServerConnecting(self._host))
            begun = loop.time()
            try:
                async with self._connector.connect() as wire:
                    await self._serve(wire)
            except ServerConnectionError as error:
                problem = error.problem
            except UpdateRequiredError:
                return ExitReason.UPDATE_NEEDED
            finally:
                self._session.on_disconnect()
            if loop.time() - begun > STABLE_SECONDS:
                self._reconnect_delay.reset()
            pause = self._reconnect_delay.next_delay()
            self._prompter.show(ServerDisconnected(problem, pause))
            await self._sleep(pause)

    async def _serve(self, wire: ServerConnection) -> None:
        """Greet and listen, until the link is gone."""
        try:
            await self._greet(wire)
            while True:
                await self._handle_frame(await wire.receive())
        except ProtocolError as error:
            await wire.send(encode_frame(ErrorMessage(error.code)))
            raise ServerConnectionError(ConnectionProblem.MISUNDERSTOOD) from None

    async def _greet(self, wire: ServerConnection) -> None:
        session = self._session
        try:
            async with asyncio.timeout(GREETING_SECONDS):
                greeting = await _receive_expected(wire, Greeting)
                if API_LEVEL not in greeting.api_levels:
                    await wire.send(
                        encode_frame(ErrorMessage(ProtocolErrorCode.UNSUPPORTED_API_LEVEL))
                    )
                    raise UpdateRequiredError
                nonce = os.urandom(NONCE_BYTES)
                resume = session.request_resumption(greeting.nonce)
                hello = Hello(API_LEVEL, self._app_version, self._language, nonce, resume)
                await wire.send(encode_frame(hello))
                welcome = await _receive_expected(wire, Welcome)
        except TimeoutError:
            raise ServerConnectionError(ConnectionProblem.NOT_A_SERVER) from None
        self._prompter.show(ServerConnected(self._host, welcome.paired and resume is not None))
        await session.accept_welcome(welcome, wire, greeting.nonce, nonce)

    async def _handle_frame(self, text: str) -> None:
        """Take one frame from the server."""
        frame = parse_frame(text)
        if frame.seq and not self._session.channel.incoming.accept(frame.seq):
            return
        try:
            message = frame.decode_from_server()
        except UnknownOperationError as error:
            await self._session.refuse_unknown_operation(error.operation_id)
            return
        except ProtocolError as error:
            if error.code is not ProtocolErrorCode.UNKNOWN_MESSAGE or not frame.seq:
                raise
            await self._session.channel.send(ErrorMessage(error.code))
            return
        if isinstance(message, Greeting | Welcome):
            raise ProtocolError(field="type")
        if isinstance(message, ErrorMessage) and not frame.seq:
            raise _error_for(message)
        await self._session.handle(message)


async def _receive_expected(wire: ServerConnection, kind: type[_Expected]) -> _Expected:
    message = parse_frame(await wire.receive()).decode_from_server()
    if isinstance(message, ErrorMessage):
        raise _error_for(message)
    if not isinstance(message, kind):
        raise ProtocolError(field="type")
    return message


def _error_for(message: ErrorMessage) -> Exception:
    if message.code is ProtocolErrorCode.UNSUPPORTED_API_LEVEL:
        return UpdateRequiredError()
    return ServerConnectionError(
        _PROBLEM_BY_ERROR_CODE.get(message.code, ConnectionProblem.MISUNDERSTOOD)
    )


async def run_bridge(
    *,
    url: str,
    host: str,
    tls: ssl.SSLContext | None,
    readers: CardReaders,
    prompter: Prompter,
    language: str,
    app_version: str,
    timeouts: SessionTimeouts | None = None,
) -> ExitReason:
    """Be a bridge, until the person leaves or the task is cancelled.

    :param url: of the server's websocket.
    :param host: as the person is shown it.
    :raises UnprotectedError: for `ws` to another machine.
    """
    session = BridgeSession(url, host, prompter, readers, timeouts)
    bridge = BridgeClient(
        ServerConnector(url, tls),
        session,
        host,
        prompter,
        language=language,
        app_version=app_version,
    )
    return await bridge.run()
