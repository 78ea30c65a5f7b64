"""The adapter to real readers: PC/SC through pyscard, on Linux, Windows and macOS.

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
    CardError,
    CardInUseError,
    CardNotRespondingError,
    CardRemovedError,
    MalformedResponseError,
)
from reader_bridge.card.pcsc_api import PcscApi
from reader_bridge.card.pcsc_watch import PcscWatch

CALL_TIMEOUT_SECONDS = 15.0
BUSY_TIMEOUT_SECONDS = 3.0
"""Windows itself reads a card that was just put in, and releases it soon."""
RETRY_SECONDS = 0.1

_Result = TypeVar("_Result")


class PcscReaders:
    """The PC/SC readers of this machine.

    :param busy_timeout: how long to wait for a card that another program holds.
    :param call_timeout: how long one call may take.
    """

    def __init__(
        self, busy_timeout: float = BUSY_TIMEOUT_SECONDS, call_timeout: float = CALL_TIMEOUT_SECONDS
    ) -> None:
        self._pcsc = PcscApi()
        self._busy_timeout, self._call_timeout = busy_timeout, call_timeout

    def list_readers(self) -> tuple[ReaderState, ...]:
        """Return the state of each reader."""
        context = self._pcsc.establish()
        try:
            names = self._pcsc.reader_names(context)
            if not names:
                return ()
            asked = [(name, self._pcsc.scard.SCARD_STATE_UNAWARE) for name in names]
            result, states = self._pcsc.scard.SCardGetStatusChange(context, 0, asked)
            self._pcsc.check(result)
            return tuple(self._pcsc.reader_state(*state) for state in states)
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
        self._thread = _CallThread(reader, self._disconnect)
        self._context: int | None = None
        self._card: int | None = None
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
        command = list(apdu)
        try:
            answer = self._call(lambda: self._transmit(command))
        finally:
            command[:] = [0] * len(command)
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
        scard = self._pcsc.scard
        self._context = self._pcsc.establish()
        share = scard.SCARD_SHARE_EXCLUSIVE if self._exclusive else scard.SCARD_SHARE_SHARED
        protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        result, card, protocol = scard.SCardConnect(self._context, self._reader, share, protocols)
        self._pcsc.check(result, self._reader)
        self._card = card
        if self._exclusive:
            result, protocol = scard.SCardReconnect(card, share, protocols, scard.SCARD_RESET_CARD)
            self._pcsc.check(result, self._reader)
        self.character_protocol = protocol == scard.SCARD_PROTOCOL_T0
        result, _, _, _, atr = scard.SCardStatus(card)
        self._pcsc.check(result, self._reader)
        return bytes(atr)

    def _transmit(self, command: list[int]) -> bytes:
        scard = self._pcsc.scard
        header = scard.SCARD_PCI_T0 if self.character_protocol else scard.SCARD_PCI_T1
        result, answer = scard.SCardTransmit(self._card, header, command)
        self._pcsc.check(result, self._reader)
        return bytes(byte & 0xFF for byte in answer)

    def _disconnect(self) -> None:
        scard = self._pcsc.scard
        if self._card is not None:
            leave = scard.SCARD_RESET_CARD if self._exclusive else scard.SCARD_LEAVE_CARD
            scard.SCardDisconnect(self._card, leave)
        if self._context is not None:
            self._pcsc.release(self._context)
        self._card = self._context = None


class _CallThread:
    """Runs the calls of one connection in order. A thread that hangs is abandoned.

    :param release: called at the end; of a thread that hangs, when its call returns after all.
    """

    def __init__(self, reader: str, release: Callable[[], None]) -> None:
        self.ended = False
        self._release = release
        self._work: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = (
            queue.SimpleQueue()
        )
        threading.Thread(target=self._run, name=f"card in {reader}", daemon=True).start()

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
