"""The client: connects to the server, greets it, handles its frames, and reconnects."""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable
from typing import TypeVar

from reader_bridge.card.connection import CardReaders
from reader_bridge.client.pairing_flow import PairingLinks
from reader_bridge.client.proxies import ProxySettings
from reader_bridge.client.session import ServerSession, SessionTimeouts
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
    ProxyLoginRequest,
    ServerConnected,
    ServerConnecting,
    ServerDisconnected,
    UpdateAvailable,
)
from reader_bridge.protocol.enums import ProtocolErrorCode
from reader_bridge.protocol.errors import ProtocolError, UnknownOperationError
from reader_bridge.protocol.limits import API_LEVEL, GREETING_SECONDS
from reader_bridge.protocol.messages import encode_frame, parse_frame
from reader_bridge.protocol.operation_messages import ErrorMessage
from reader_bridge.protocol.pairing_messages import Greeting, Hello, Welcome

_RELEASE = re.compile(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})")
STABLE_SECONDS = 10.0
"""A connection that lasted this long resets the reconnect delay."""
_PROBLEM_BY_ERROR_CODE = {
    ProtocolErrorCode.BUSY: ConnectionProblem.BUSY,
    ProtocolErrorCode.GOING_DOWN: ConnectionProblem.GOING_DOWN,
}
_Expected = TypeVar("_Expected", Greeting, Welcome)


class UpdateRequiredError(Exception):
    """Client and server share no level of the protocol.

    :ivar is_server_older: the server has to be updated, not this app.
    """

    def __init__(self, *, is_server_older: bool = False) -> None:
        super().__init__()
        self.is_server_older = is_server_older


class BridgeClient:
    """The connection to one server, kept up until the person or the server ends it.

    :param sleep: waits between two connections.
    """

    def __init__(
        self,
        connector: ServerConnector,
        session: ServerSession,
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
        self._has_announced_update = False
        self._was_connected = False

    async def run(self) -> ExitReason:
        """Stay connected until the client exits by itself. Cancelling the task says `bye`."""
        connection_task = asyncio.ensure_future(self._stay_connected())
        try:
            await asyncio.wait(
                (connection_task, self._session.exit_reason), return_when=asyncio.FIRST_COMPLETED
            )
            done = connection_task if connection_task.done() else self._session.exit_reason
            return done.result()
        finally:
            await self._session.close()
            connection_task.cancel()
            await asyncio.gather(connection_task, return_exceptions=True)

    async def _stay_connected(self) -> ExitReason:
        loop = asyncio.get_running_loop()
        while True:
            self._prompter.show(ServerConnecting(self._host))
            started = loop.time()
            try:
                async with self._connector.connect() as connection:
                    await self._serve(connection)
            except ServerConnectionError as error:
                failure = error
            except UpdateRequiredError as error:
                is_older = error.is_server_older
                return ExitReason.SERVER_TOO_OLD if is_older else ExitReason.UPDATE_NEEDED
            finally:
                self._session.on_disconnect()
            if failure.problem is ConnectionProblem.PROXY_LOGIN and not self._was_connected:
                if not await self._log_in_at_proxy(failure):
                    return ExitReason.LEFT
                continue
            if loop.time() - started > STABLE_SECONDS:
                self._reconnect_delay.reset()
            delay = self._reconnect_delay.next_delay()
            self._prompter.show(ServerDisconnected(failure.problem, delay, failure.proxy))
            await self._sleep(delay)

    async def _log_in_at_proxy(self, failure: ServerConnectionError) -> bool:
        """Ask for name and password at the proxy; `False` where the person wants to leave.

        Only before the first connection: later another question may stand open. Nothing is sent
        twice by itself, since many wrong passwords would lock the person's account.
        """
        request = ProxyLoginRequest(failure.proxy or "", failure.has_login)
        login = await self._prompter.ask_proxy_login(request)
        if login is None:
            return False
        self._connector.proxies.use_login(login)
        return True

    async def _serve(self, connection: ServerConnection) -> None:
        """Greet the server and handle its frames until the connection is lost."""
        try:
            await self._greet(connection)
            while True:
                await self._handle_frame(await connection.receive())
        except ProtocolError as error:
            await connection.send(encode_frame(ErrorMessage(error.code)))
            raise ServerConnectionError(ConnectionProblem.MISUNDERSTOOD) from None

    async def _greet(self, connection: ServerConnection) -> None:
        session = self._session
        try:
            async with asyncio.timeout(GREETING_SECONDS):
                greeting = await receive_expected(connection, Greeting)
                if API_LEVEL not in greeting.api_levels:
                    await connection.send(
                        encode_frame(ErrorMessage(ProtocolErrorCode.UNSUPPORTED_API_LEVEL))
                    )
                    raise UpdateRequiredError(is_server_older=is_older(greeting))
                resume = session.request_resumption(greeting.nonce)
                hello = Hello(API_LEVEL, self._app_version, self._language, resume)
                await connection.send(encode_frame(hello))
                welcome = await receive_expected(connection, Welcome)
        except TimeoutError:
            raise ServerConnectionError(ConnectionProblem.SILENT) from None
        self._was_connected = True
        is_resumed = welcome.paired and resume is not None
        has_other_origin = greeting.origin != session.origin
        self._prompter.show(ServerConnected(self._host, is_resumed, has_other_origin))
        self._announce_update(greeting.newest_app)
        await session.accept_welcome(welcome, connection)

    def _announce_update(self, newest: str | None) -> None:
        """Say once that there is a newer release."""
        own = _RELEASE.match(self._app_version)
        if newest is None or own is None or self._has_announced_update:
            return
        if tuple(map(int, newest.split("."))) > tuple(map(int, own.groups())):
            self._has_announced_update = True
            self._prompter.show(UpdateAvailable(newest))

    async def _handle_frame(self, text: str) -> None:
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


async def receive_expected(connection: ServerConnection, kind: type[_Expected]) -> _Expected:
    """Receive a message of the greeting.

    :raises UpdateRequiredError: the server says so.
    :raises ServerConnectionError: it says that it takes nobody now, or the connection is lost.
    :raises ProtocolError: it says something else.
    """
    message = parse_frame(await connection.receive()).decode_from_server()
    if isinstance(message, ErrorMessage):
        raise _error_for(message)
    if not isinstance(message, kind):
        raise ProtocolError(field="type")
    return message


def is_older(greeting: Greeting) -> bool:
    """Whether a server speaks only levels of the protocol before this app's."""
    return all(level < API_LEVEL for level in greeting.api_levels)


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
    links: PairingLinks | None = None,
    proxies: ProxySettings | None = None,
) -> ExitReason:
    """Run a bridge until it exits by itself or the task is cancelled.

    :param url: of the server's websocket.
    :param links: bring pairing codes that nobody has to type.
    :param proxies: with the login that the person has typed already.
    :param host: the server's name as the person is shown it.
    :param tls: the authorities to trust; unused for `ws`.
    :raises UnencryptedAddressError: the address is `ws` on another machine.
    """
    session = ServerSession(url, host, prompter, readers, timeouts, links)
    client = BridgeClient(
        ServerConnector(url, tls, proxies=proxies),
        session,
        host,
        prompter,
        language=language,
        app_version=app_version,
    )
    return await client.run()
