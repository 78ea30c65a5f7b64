"""The bridge as a whole: dials, greets, listens, and dials again."""

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable
from typing import TypeVar

from reader_bridge.card.connection import CardReaders
from reader_bridge.client.back_off import BackOff
from reader_bridge.client.session import Patience, Session
from reader_bridge.client.websocket import Link, LinkError, Wire
from reader_bridge.prompter import Connected, Connecting, Ending, LinkDown, LinkProblem, Prompter
from reader_bridge.protocol.errors import ProtocolError, UnknownOperationError
from reader_bridge.protocol.limits import API_LEVEL, GREETING_SECONDS, NONCE_BYTES
from reader_bridge.protocol.messages import open_frame, write_frame
from reader_bridge.protocol.operation_messages import ErrorMessage
from reader_bridge.protocol.pairing_messages import Greeting, Hello, Welcome
from reader_bridge.protocol.vocabulary import ErrorCode

HELD_SECONDS = 10.0
"""A link that stood this long was a good one: the next wait begins short again."""
_PROBLEMS = {
    ErrorCode.BUSY: LinkProblem.BUSY,
    ErrorCode.GOING_DOWN: LinkProblem.GOING_DOWN,
}
_Wanted = TypeVar("_Wanted", Greeting, Welcome)


class UpdateNeededError(Exception):
    """There is no level of the protocol that both sides speak."""


class Bridge:
    """A bridge to one server.

    :param tls: whom to believe; only for `wss`.
    :param sleep: how time passes between two links.
    """

    def __init__(
        self,
        link: Link,
        session: Session,
        host: str,
        prompter: Prompter,
        *,
        language: str,
        app_version: str,
        back_off: BackOff | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._link, self._session, self._host = link, session, host
        self._prompter = prompter
        self._language, self._app_version = language, app_version
        self._back_off = back_off or BackOff()
        self._sleep = sleep

    async def run(self) -> Ending:
        """Be there for the server until the person leaves. Cancelling it says good-bye."""
        keeper = asyncio.ensure_future(self._keep_linked())
        try:
            await asyncio.wait((keeper, self._session.ending), return_when=asyncio.FIRST_COMPLETED)
            return self._session.ending.result() if not keeper.done() else keeper.result()
        finally:
            await self._session.close()
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)

    async def _keep_linked(self) -> Ending:
        loop = asyncio.get_running_loop()
        while True:
            self._prompter.show(Connecting(self._host))
            begun = loop.time()
            try:
                async with self._link.dial() as wire:
                    await self._serve(wire)
            except LinkError as error:
                problem = error.problem
            except UpdateNeededError:
                return Ending.UPDATE_NEEDED
            finally:
                self._session.unlinked()
            if loop.time() - begun > HELD_SECONDS:
                self._back_off.reset()
            pause = self._back_off.next()
            self._prompter.show(LinkDown(problem, pause))
            await self._sleep(pause)

    async def _serve(self, wire: Wire) -> None:
        """Greet and listen, until the link is gone."""
        try:
            await self._greet(wire)
            while True:
                await self._take(await wire.receive())
        except ProtocolError as error:
            await wire.send(write_frame(ErrorMessage(error.code)))
            raise LinkError(LinkProblem.MISUNDERSTOOD) from None

    async def _greet(self, wire: Wire) -> None:
        session = self._session
        try:
            async with asyncio.timeout(GREETING_SECONDS):
                greeting = await _expect(wire, Greeting)
                if API_LEVEL not in greeting.api_levels:
                    await wire.send(write_frame(ErrorMessage(ErrorCode.UNSUPPORTED_API_LEVEL)))
                    raise UpdateNeededError
                nonce = os.urandom(NONCE_BYTES)
                resume = session.resume(greeting.nonce)
                hello = Hello(API_LEVEL, self._app_version, self._language, nonce, resume)
                await wire.send(write_frame(hello))
                welcome = await _expect(wire, Welcome)
        except TimeoutError:
            raise LinkError(LinkProblem.NOT_A_SERVER) from None
        self._prompter.show(Connected(self._host, welcome.paired and resume is not None))
        await session.welcomed(welcome, wire, greeting.nonce, nonce)

    async def _take(self, text: str) -> None:
        """Take one frame from the server."""
        frame = open_frame(text)
        if frame.seq and not self._session.sending.incoming.is_new(frame.seq):
            return
        try:
            message = frame.from_server()
        except UnknownOperationError as error:
            await self._session.unknown_operation(error.operation_id)
            return
        except ProtocolError as error:
            if error.code is not ErrorCode.UNKNOWN_MESSAGE or not frame.seq:
                raise
            await self._session.sending.send(ErrorMessage(error.code))
            return
        if isinstance(message, Greeting | Welcome):
            raise ProtocolError(where="type")
        if isinstance(message, ErrorMessage) and not frame.seq:
            raise _refusal(message)
        await self._session.handle(message)


async def _expect(wire: Wire, kind: type[_Wanted]) -> _Wanted:
    message = open_frame(await wire.receive()).from_server()
    if isinstance(message, ErrorMessage):
        raise _refusal(message)
    if not isinstance(message, kind):
        raise ProtocolError(where="type")
    return message


def _refusal(message: ErrorMessage) -> Exception:
    if message.code is ErrorCode.UNSUPPORTED_API_LEVEL:
        return UpdateNeededError()
    return LinkError(_PROBLEMS.get(message.code, LinkProblem.MISUNDERSTOOD))


async def run(
    *,
    url: str,
    host: str,
    tls: ssl.SSLContext | None,
    readers: CardReaders,
    prompter: Prompter,
    language: str,
    app_version: str,
    patience: Patience | None = None,
) -> Ending:
    """Be a bridge, until the person leaves or the task is cancelled.

    :param url: of the server's websocket.
    :param host: as the person is shown it.
    :raises UnprotectedError: for `ws` to another machine.
    """
    session = Session(url, host, prompter, readers, patience)
    bridge = Bridge(
        Link(url, tls), session, host, prompter, language=language, app_version=app_version
    )
    return await bridge.run()
