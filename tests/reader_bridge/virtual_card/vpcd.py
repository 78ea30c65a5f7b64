"""A virtual card behind `vpcd`, the virtual reader of vsmartcard: a real reader to every program.

The reader listens and the card connects. Every message is two bytes of length and so many bytes; a
single byte is a control code. Acknowledgements are sent immediately, else each command waits 40 ms
for a delayed one.
"""

import contextlib
import socket
import threading
from collections.abc import Callable
from enum import IntEnum

from reader_bridge.card.errors import CardRemovedError
from reader_bridge.virtual_card.reader import InsertableCard

PORT = 35_963
"""Where `vpcd` listens by default; its second slot is one above."""
RETRY_SECONDS = 0.2


class Control(IntEnum):
    """What the reader asks for beside commands."""

    OFF = 0
    ON = 1
    RESET = 2
    ATR = 4


Connect = Callable[[], socket.socket]


def connect_to(host: str = "127.0.0.1", port: int = PORT) -> Connect:
    """Return a function that connects to a reader."""
    return lambda: socket.create_connection((host, port), timeout=5)


class VpcdReader:
    """Puts a card into a `vpcd` reader and serves it on its own thread.

    Where the reader service is restarted, the card is put in again.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._serving: _Serving | None = None

    def insert(self, card: InsertableCard) -> None:
        """Put a card in.

        :raises OSError: there is no reader.
        """
        self.pull()
        self._serving = _Serving(card, self._connect)

    def pull(self) -> None:
        """Take the card out, whatever it is doing."""
        serving, self._serving = self._serving, None
        if serving is not None:
            serving.stop()

    @property
    def inserted(self) -> bool:
        """Whether a card is in: a misbehaving one may have left by itself."""
        return self._serving is not None and self._serving.running


class _Serving:
    def __init__(self, card: InsertableCard, connect: Connect) -> None:
        self._card, self._connect = card, connect
        self._stop = threading.Event()
        self._socket = connect()
        self._thread = threading.Thread(target=self._run, name="virtual card", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        self._stop.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._socket:
                    self._serve()
            except CardRemovedError:
                self._stop.set()
            except OSError:
                pass  # the reader service went away
            self._card.power_off()
            self._reconnect()

    def _reconnect(self) -> None:
        while not self._stop.wait(RETRY_SECONDS):
            try:
                self._socket = self._connect()
            except OSError:
                continue
            if self._stop.is_set():
                self._socket.close()
            return

    def _serve(self) -> None:
        self._socket.settimeout(None)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while (message := self._receive()) is not None:
            answer = self._control(message[0]) if len(message) == 1 else self._command(message)
            if answer is not None:
                self._socket.sendall(len(answer).to_bytes(2, "big") + answer)

    def _control(self, code: int) -> bytes | None:
        if code == Control.ATR:
            return self._card.atr
        if code == Control.ON:
            self._card.power_on()
        elif code == Control.OFF:
            self._card.power_off()
        elif code == Control.RESET:
            self._card.reset()
        return None

    def _command(self, message: bytearray) -> bytes:
        try:
            return self._card.transmit(message)
        finally:
            message[:] = bytes(len(message))

    def _receive(self) -> bytearray | None:
        header = self._receive_exactly(2)
        if header is None:
            return None
        return self._receive_exactly(int.from_bytes(header, "big"))

    def _receive_exactly(self, count: int) -> bytearray | None:
        buffer = bytearray(count)
        view = memoryview(buffer)
        while view:
            if hasattr(socket, "TCP_QUICKACK"):
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            received = self._socket.recv_into(view)
            if not received:
                return None
            view = view[received:]
        return buffer
