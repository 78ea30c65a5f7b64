"""The thread that talks to cards, and connections that can be revoked from another thread.

Reader drivers block, some of them for long. Only this thread blocks with them: an operation that is
cancelled or too late ends immediately, and its connection sends nothing more.
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
"""For work that changes a PIN to finish after its operation was stopped."""
CLOSING_SECONDS = 1.0
"""How long the end of an operation waits for the card's reset, where a driver hangs."""

_T = TypeVar("_T")


class CardThread:
    """Runs calls one after the other, on a daemon thread."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[tuple[asyncio.Future[Any], Callable[[], Any]] | None] = (
            queue.SimpleQueue()
        )
        self._thread: threading.Thread | None = None

    def submit(self, work: Callable[[], _T]) -> "asyncio.Future[_T]":
        """Queue a call. One that is cancelled before its turn is not made."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="cards", daemon=True)
            self._thread.start()
        future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        self._calls.put((future, work))
        return future

    def close(self) -> None:
        """Stop the thread after the queued calls."""
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
    """Set the result of a call, unless nobody waits for it any more."""
    if future.done():
        return
    if problem is None:
        future.set_result(value)
    else:
        future.set_exception(problem)


class RevocableConnection(CardConnection):
    """A connection that another thread can revoke.

    :ivar unanswered_instruction: the instruction of the command that got no answer.
    :ivar closed: the card was released.
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
        """Send nothing more."""
        self._revoked.set()

    def send_and_receive(self, apdu: bytearray) -> tuple[bytes, int]:
        """Send one command APDU; return the answer's data and its status word."""
        if self._revoked.is_set():
            raise CardRemovedError
        self.unanswered_instruction = apdu[1]
        answer = self._connection.send_and_receive(apdu)
        self.unanswered_instruction = None
        return answer

    def close(self) -> None:
        """Release the card."""
        self._connection.close()
        self.closed = True


class CardCalls:
    """The card calls of one operation.

    :ivar connection: the last connection that was made.
    :ivar cancelled: the operation was cancelled during a call that had to finish.
    """

    def __init__(self, thread: CardThread, grace: float = GRACE_SECONDS) -> None:
        self._thread, self._grace = thread, grace
        self._over = False
        self.cancelled = False
        self.connection: RevocableConnection | None = None

    def make_revocable(self, connection: CardConnection) -> RevocableConnection:
        """Wrap a connection so that it ends with the operation. Called on the card thread."""
        self.connection = RevocableConnection(connection)
        if self._over:
            self.connection.revoke()
        return self.connection

    async def call(self, work: Callable[[], _T]) -> _T:
        """Make a call. Cancelling it revokes the connection."""
        try:
            return await self._thread.submit(work)
        except asyncio.CancelledError:
            self.revoke()
            raise

    async def call_to_end(self, work: Callable[[], _T]) -> _T:
        """Make a call that must not be left half done: cancelling waits for its end, within bounds.

        Its result or error is returned even if the operation was cancelled meanwhile; see
        :attr:`cancelled`.
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
        """Let the card get nothing more."""
        self._over = True
        if self.connection is not None:
            self.connection.revoke()

    def release_card(self) -> None:
        """Reset the card and release it. Called on the card thread."""
        if self.connection is not None:
            self.connection.close()

    def call_later(self, work: Callable[[], object]) -> None:
        """Queue a call whose result nobody waits for."""
        self._thread.submit(work).add_done_callback(asyncio.Future.exception)

    async def close(self) -> None:
        """Release the card; where a driver hangs, as soon as it returns."""
        connection, self.connection = self.connection, None
        if connection is None or connection.closed:
            return
        connection.revoke()
        closing = self._thread.submit(connection.close)
        await asyncio.wait((closing,), timeout=CLOSING_SECONDS)
