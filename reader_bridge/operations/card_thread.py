"""The thread on which a bridge speaks to cards, and the connection that can be taken back.

Reader drivers block, some for long. What blocks, blocks this thread only: an operation that is
cancelled or too late is over at once, and its connection sends nothing any more.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from reader_bridge.card.connection import CardConnection
from reader_bridge.card.errors import CardRemovedError

GRACE_SECONDS = 10.0
"""For work that changes a PIN, to come to its end when the operation is over already."""
CLOSING_SECONDS = 1.0
"""The outcome of an operation waits for the card's reset, but not for a driver that hangs."""

_T = TypeVar("_T")


class CardThread:
    """Runs calls one after the other, on a thread that does not keep the program from ending."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[tuple[asyncio.Future[Any], Callable[[], Any]] | None] = (
            queue.SimpleQueue()
        )
        self._thread: threading.Thread | None = None

    def submit(self, work: Callable[[], _T]) -> "asyncio.Future[_T]":
        """Have a call made; cancelled before its turn, it is not."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="cards", daemon=True)
            self._thread.start()
        future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        self._calls.put((future, work))
        return future

    def close(self) -> None:
        """Make no more calls after those that are waited for."""
        self._calls.put(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            future, work = call
            if future.cancelled():
                continue
            value, problem = None, None
            try:
                value = work()
            except BaseException as error:
                problem = error
            with suppress(RuntimeError):  # the loop is gone, and who waited with it
                future.get_loop().call_soon_threadsafe(_set_result, future, value, problem)
            del future, work, call, value, problem  # nothing of a card is kept while waiting


def _set_result(future: "asyncio.Future[Any]", value: Any, problem: BaseException | None) -> None:
    """Hand over what a call gave, if somebody still waits for it."""
    if future.done():
        return
    if problem is None:
        future.set_result(value)
    else:
        future.set_exception(problem)


class RevocableConnection(CardConnection):
    """A connection that can be taken back from another thread.

    :ivar unanswered: the instruction of the command that got no answer.
    :ivar closed: the card was given back.
    """

    def __init__(self, connection: CardConnection) -> None:
        self._connection = connection
        self._revoked = threading.Event()
        self.extended_length = connection.extended_length
        self.character_protocol = connection.character_protocol
        self.unanswered_instruction: int | None = None
        self.closed = False

    @property
    def atr(self) -> bytes:
        """The answer to reset."""
        return self._connection.atr

    @property
    def exclusive(self) -> bool:
        """Whether other programs are kept out."""
        return self._connection.exclusive

    def revoke(self) -> None:
        """Send nothing any more."""
        self._revoked.set()

    def send_and_receive(self, apdu: bytearray) -> tuple[bytes, int]:
        """Send one command APDU as it is; give the answer's data and its status word."""
        if self._revoked.is_set():
            raise CardRemovedError
        self.unanswered_instruction = apdu[1]
        answer = self._connection.send_and_receive(apdu)
        self.unanswered_instruction = None
        return answer

    def close(self) -> None:
        """Give the card back."""
        self._connection.close()
        self.closed = True


class CardCalls:
    """The calls of one operation.

    :ivar connection: the last one that was made.
    :ivar cancelled: the operation was, during a call that was not to be left half done.
    """

    def __init__(self, thread: CardThread, grace: float = GRACE_SECONDS) -> None:
        self._thread, self._grace = thread, grace
        self._over = False
        self.cancelled = False
        self.connection: RevocableConnection | None = None

    def make_revocable(self, connection: CardConnection) -> RevocableConnection:
        """Make a connection one that ends with the operation. Called on the thread."""
        self.connection = RevocableConnection(connection)
        if self._over:
            self.connection.revoke()
        return self.connection

    async def call(self, work: Callable[[], _T]) -> _T:
        """Make a call; when it is cancelled, the card gets no further command."""
        try:
            return await self._thread.submit(work)
        except asyncio.CancelledError:
            self.revoke()
            raise

    async def call_to_end(self, work: Callable[[], _T]) -> _T:
        """Make a call that is not left half done: cancelling waits for its end, within bounds.

        What it gives or raises counts, whether the operation was cancelled meanwhile or not;
        :attr:`cancelled` tells.
        """
        future = self._thread.submit(work)
        timer: asyncio.TimerHandle | None = None
        try:
            while not future.done():
                try:
                    await asyncio.wait((future,))
                except asyncio.CancelledError:
                    self.cancelled = True
                    if timer is None:
                        loop = asyncio.get_running_loop()
                        timer = loop.call_later(self._grace, self.revoke)
        finally:
            if timer is not None:
                timer.cancel()
        return future.result()

    def revoke(self) -> None:
        """Let the card get nothing any more."""
        self._over = True
        if self.connection is not None:
            self.connection.revoke()

    def release_card(self) -> None:
        """Reset the card and let it go. Called on the thread."""
        if self.connection is not None:
            self.connection.close()

    def call_later(self, work: Callable[[], object]) -> None:
        """Have a call made that nobody waits for."""
        self._thread.submit(work).add_done_callback(asyncio.Future.exception)

    async def close(self) -> None:
        """Give the card back; where a driver hangs, as soon as it comes to itself."""
        connection, self.connection = self.connection, None
        if connection is None or connection.closed:
            return
        connection.revoke()
        closing = self._thread.submit(connection.close)
        await asyncio.wait((closing,), timeout=CLOSING_SECONDS)
