"""The adapter to real readers: PC/SC on Linux, Windows and macOS.

Each connection has a thread for calls that can hang in a driver, so that a card that never answers
blocks nothing but its operation.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from reader_bridge.card.connection import CardConnection, ReaderSnapshot, ReaderState
from reader_bridge.card.errors import (
    CardContactLostError,
    CardError,
    CardInUseError,
    CardNotRespondingError,
    CardRemovedError,
    MalformedResponseError,
)
from reader_bridge.card.pcsc_api import PcscApi
from reader_bridge.card.pcsc_library import (
    LEAVE_CARD,
    PROTOCOL_T0,
    PROTOCOL_T1,
    RESET_CARD,
    SHARE_EXCLUSIVE,
    SHARE_SHARED,
    PcscFunctions,
    PcscLibrary,
)
from reader_bridge.card.pcsc_watch import PcscWatch

CALL_TIMEOUT_SECONDS = 15.0
BUSY_TIMEOUT_SECONDS = 3.0
"""Windows itself reads a card that was just put in, and releases it soon."""
RETRY_SECONDS = 0.1
LOST_CARD_MILLISECONDS = 1000
"""How long a card that lost its contact may be reported as present; pcscd looks every 400 ms."""

_Result = TypeVar("_Result")


class PcscReaders:
    """The PC/SC readers of this machine.

    :param busy_timeout: how long to wait for a card that another program holds.
    :param call_timeout: how long one call may take.
    :raises PcscMissingError: the system has no PC/SC, or pyscard is not installed.
    """

    def __init__(
        self,
        busy_timeout: float = BUSY_TIMEOUT_SECONDS,
        call_timeout: float = CALL_TIMEOUT_SECONDS,
        functions: PcscFunctions | None = None,
    ) -> None:
        self._pcsc = PcscApi(functions or PcscLibrary())
        self._busy_timeout, self._call_timeout = busy_timeout, call_timeout

    def list_readers(self) -> tuple[ReaderState, ...]:
        """Return the state of each reader."""
        context = self._pcsc.establish()
        try:
            return self._pcsc.reader_states(context)
        finally:
            self._pcsc.release(context)

    def connect(self, reader: str, *, exclusive: bool = False) -> CardConnection:
        """Power the card in a reader, waiting a little where another program holds it."""
        pause = threading.Event()
        waited = 0.0
        while True:
            try:
                return PcscConnection(self._pcsc, reader, exclusive, self._call_timeout)
            except CardInUseError:
                if waited >= self._busy_timeout:
                    raise
            pause.wait(RETRY_SECONDS)
            waited += RETRY_SECONDS

    def watch(self, on_change: Callable[[ReaderSnapshot], None]) -> PcscWatch:
        """Call `on_change` after every change, on the watch's own thread."""
        return PcscWatch(self._pcsc, on_change)


class PcscConnection(CardConnection):
    """A card in a PC/SC reader."""

    def __init__(self, pcsc: PcscApi, reader: str, exclusive: bool, call_timeout: float) -> None:
        self._pcsc, self._reader = pcsc, reader
        self._exclusive, self._call_timeout = exclusive, call_timeout
        self._thread = _CallThread(self._disconnect)
        self._context: int | None = None
        self._card: int | None = None
        self._protocol = PROTOCOL_T1
        try:
            self._atr = self._call(self._power_on)
        except CardError:
            self.close()
            raise

    @property
    def atr(self) -> bytes:
        """The answer to reset."""
        return self._atr

    @property
    def exclusive(self) -> bool:
        """Whether other programs are kept out."""
        return self._exclusive

    def send_and_receive(self, apdu: bytearray) -> tuple[bytes, int]:
        """Send one command APDU; return the answer's data and its status word."""
        answer = self._call(lambda: self._transmit(apdu))
        if not answer:
            raise CardRemovedError  # some drivers tell a pulled card so
        if len(answer) < 2:
            raise MalformedResponseError("length of answer")
        return answer[:-2], int.from_bytes(answer[-2:], "big")

    def close(self) -> None:
        """Release the card, with a reset where the connection was exclusive."""
        if not self._thread.ended:
            try:
                self._call(self._disconnect)
            except CardError:
                pass  # it is gone already
            finally:
                self._thread.end()

    def _call(self, work: Callable[[], _Result]) -> _Result:
        return self._thread.call(work, self._call_timeout)

    def _power_on(self) -> bytes:
        self._context = self._pcsc.establish()
        share = SHARE_EXCLUSIVE if self._exclusive else SHARE_SHARED
        self._card, protocol = self._pcsc.connect(self._context, self._reader, share)
        if self._exclusive:
            protocol = self._pcsc.reset(self._context, self._card, share, self._reader)
        self._protocol, self.character_protocol = protocol, protocol == PROTOCOL_T0
        return self._pcsc.read_atr(self._context, self._reader)

    def _transmit(self, command: bytearray) -> bytes:
        if self._card is None or self._context is None:
            raise CardRemovedError
        try:
            return self._pcsc.transmit(
                self._context, self._card, self._protocol, command, self._reader
            )
        except CardContactLostError:
            if not self._pcsc.is_card_present(self._context, self._reader, LOST_CARD_MILLISECONDS):
                raise CardRemovedError from None
            raise

    def _disconnect(self) -> None:
        if self._card is not None:
            self._pcsc.disconnect(self._card, RESET_CARD if self._exclusive else LEAVE_CARD)
        if self._context is not None:
            self._pcsc.release(self._context)
        self._card = self._context = None


class _CallThread:
    """Runs the calls of one connection in order. A thread that hangs is abandoned.

    :param release: called at the end; of a thread that hangs, when its call returns after all.
    """

    def __init__(self, release: Callable[[], None]) -> None:
        self.ended = False
        self._release = release
        self._work: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = (
            queue.SimpleQueue()
        )
        threading.Thread(target=self._run, name="card", daemon=True).start()

    def call(self, work: Callable[[], _Result], seconds: float) -> _Result:
        """Run `work` on the thread.

        :raises CardNotRespondingError: it took too long; the thread is abandoned.
        """
        if self.ended:
            raise CardRemovedError
        future: Future[_Result] = Future()
        self._work.put((future, work))
        try:
            return future.result(seconds)
        except TimeoutError as error:
            self.end()
            raise CardNotRespondingError(seconds) from error

    def end(self) -> None:
        self.ended = True
        self._work.put(None)

    def _run(self) -> None:
        while (item := self._work.get()) is not None:
            future, work = item
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)
        with suppress(CardError):
            self._release()
