"""The thread that talks to cards, and connections that can be stopped from another thread.

Reader drivers block, some of them for long. Only this thread blocks with them: an operation that is
cancelled or too late sends nothing more to the card, whatever its thread is doing.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from reader_bridge.card.apdu import Instruction
from reader_bridge.card.connection import CardConnection
from reader_bridge.card.errors import CommandStoppedError, LastTryError

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
    """Set the result of a call, unless nobody waits for it."""
    if future.done():
        return
    if problem is None:
        future.set_result(value)
    else:
        future.set_exception(problem)


class StopSwitch:
    """Stops the commands of an operation: once it is set, no more are sent.

    A command passes it as the last thing before it is sent, and under the lock that setting it
    takes. So every command is either not sent, or was on its way to the card before the stop.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_set = False

    @property
    def is_set(self) -> bool:
        """Whether nothing more may be sent."""
        return self._is_set

    def set(self) -> None:
        """Let no further command through."""
        with self._lock:
            self._is_set = True

    @contextmanager
    def pass_command(self, instruction: int | None = None) -> Iterator[None]:
        """Let a command through and note inside the block that it is sent.

        Fetching the answer to a command that was on its way passes always.

        :raises CommandStoppedError: the switch is set.
        """
        with self._lock:
            if self._is_set and instruction != Instruction.GET_RESPONSE:
                raise CommandStoppedError
            yield


class StoppableConnection(CardConnection):
    """A connection whose commands pass a stop switch.

    :ivar unanswered_instruction: the instruction of the command that got no complete answer.
    :ivar closed: the card was released.
    """

    def __init__(self, connection: CardConnection, switch: StopSwitch) -> None:
        self._connection, self._switch = connection, switch
        self._instruction: int | None = None
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

    def send_and_receive(self, apdu: bytearray) -> tuple[bytes, int]:
        """Send one command APDU; return the answer's data and its status word."""
        with self._switch.pass_command(apdu[1]):
            if apdu[1] != Instruction.GET_RESPONSE:
                self._instruction = apdu[1]
            self.unanswered_instruction = self._instruction
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
    """

    def __init__(self, thread: CardThread) -> None:
        self._thread = thread
        self._switch = StopSwitch()
        self.connection: StoppableConnection | None = None

    @property
    def is_stopped(self) -> bool:
        """Whether the operation was stopped."""
        return self._switch.is_set

    def stop(self) -> None:
        """Send nothing more to the card. Only the answer to a command on its way is waited for."""
        self._switch.set()

    def make_stoppable(self, connection: CardConnection) -> StoppableConnection:
        """Wrap a connection so that it stops with the operation. Called on the card thread."""
        self.connection = StoppableConnection(connection, self._switch)
        return self.connection

    async def call(self, work: Callable[[], _T]) -> _T:
        """Make a call that changes nothing. Cancelling it stops the operation's commands."""
        try:
            return await self._submit(work)
        except asyncio.CancelledError:
            self.stop()
            raise

    async def call_to_end(self, work: Callable[[], _T]) -> _T:
        """Make a call that can change the card: cancelling it waits for its end.

        A command that was on its way to the card has its true outcome, which is returned or raised.

        :raises asyncio.CancelledError: it was cancelled before it had an outcome.
        """
        future = self._submit(work)
        while not future.done():
            try:
                await asyncio.wait((future,))
            except asyncio.CancelledError:
                self.stop()
        if self.is_stopped and isinstance(future.exception(), CommandStoppedError | LastTryError):
            raise asyncio.CancelledError
        return future.result()

    def release_card(self) -> None:
        """Reset the card and release it. Called on the card thread."""
        if self.connection is not None:
            self.connection.close()

    def call_later(self, work: Callable[[], object]) -> None:
        """Queue a call whose result nobody waits for."""
        self._thread.submit(work).add_done_callback(asyncio.Future.exception)

    async def close(self) -> None:
        """Release the card; where a driver hangs, as soon as it returns."""
        self.stop()
        connection, self.connection = self.connection, None
        if connection is None or connection.closed:
            return
        closing = self._thread.submit(connection.close)
        await asyncio.wait((closing,), timeout=CLOSING_SECONDS)

    def _submit(self, work: Callable[[], _T]) -> "asyncio.Future[_T]":
        """Queue a call, which is not made where the operation is stopped before its turn."""

        def call() -> _T:
            with self._switch.pass_command():
                pass
            return work()

        return self._thread.submit(call)
