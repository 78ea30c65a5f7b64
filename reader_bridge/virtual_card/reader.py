"""A reader in this process for virtual cards, used with `--virtual-card`."""

import threading
from collections.abc import Callable
from typing import Protocol

from reader_bridge.card.connection import (
    CardConnection,
    ReaderService,
    ReaderSnapshot,
    ReaderState,
)
from reader_bridge.card.errors import (
    CardInUseError,
    CardRemovedError,
    MalformedResponseError,
    NoCardError,
    ReaderNotFoundError,
)

READER_NAME = "Kaika virtual reader"


class InsertableCard(Protocol):
    """A card that can be put into a virtual reader."""

    @property
    def atr(self) -> bytes:
        """The answer to reset."""

    def power_on(self) -> None:
        """Start a session."""

    def power_off(self) -> None:
        """End the session."""

    def reset(self) -> None:
        """Restart the session."""

    def transmit(self, apdu: bytes | bytearray) -> bytes:
        """Execute a command and return the answer with its status word.

        :raises CardRemovedError: the card leaves the reader instead of answering.
        """


class VirtualReader:
    """A reader with at most one card in it. Thread-safe."""

    def __init__(self, card: InsertableCard | None = None, name: str = READER_NAME) -> None:
        self.name = name
        self._card = card
        self._changes = 1 if card else 0
        self._connections: list[VirtualConnection] = []
        self._watches: list[VirtualWatch] = []
        self._lock = threading.RLock()

    def insert(self, card: InsertableCard) -> None:
        """Put a card in."""
        with self._lock:
            self.pull()
            self._card = card
            self._notify_watches()

    def pull(self) -> None:
        """Take the card out, whatever it is doing."""
        with self._lock:
            card, self._card = self._card, None
            for connection in self._connections:
                connection.card = None
            self._connections.clear()
            if card is not None:
                card.power_off()
                self._notify_watches()

    def list_readers(self) -> tuple[ReaderState, ...]:
        """Return the state of this reader."""
        with self._lock:
            return (
                ReaderState(
                    self.name,
                    card_present=self._card is not None,
                    atr=self._card.atr if self._card else b"",
                    in_use=any(connection.exclusive for connection in self._connections),
                    changes=self._changes,
                ),
            )

    def connect(self, reader: str, *, exclusive: bool = False) -> CardConnection:
        """Power the card."""
        with self._lock:
            if reader != self.name:
                raise ReaderNotFoundError(reader)
            if self._card is None:
                raise NoCardError(reader)
            if any(exclusive or other.exclusive for other in self._connections):
                raise CardInUseError(reader)
            if exclusive or not self._connections:
                self._card.power_on()
            connection = VirtualConnection(self, self._card, exclusive)
            self._connections.append(connection)
            return connection

    def watch(self, on_change: Callable[[ReaderSnapshot], None]) -> "VirtualWatch":
        """Call `on_change` after every change, on the thread that makes it."""
        with self._lock:
            watch = VirtualWatch(self, on_change)
            self._watches.append(watch)
            on_change(watch.snapshot)
            return watch

    def _notify_watches(self) -> None:
        self._changes += 1
        for watch in self._watches:
            watch.notify()

    def transmit(self, connection: "VirtualConnection", apdu: bytearray) -> bytes:
        """Pass a command to the card, if it is still there."""
        with self._lock:
            if connection.card is None:
                raise CardRemovedError
            try:
                return connection.card.transmit(apdu)
            except CardRemovedError:
                self.pull()
                raise

    def release(self, connection: "VirtualConnection") -> None:
        """Close a connection, and reset the card where it was exclusive."""
        with self._lock:
            if connection in self._connections:
                self._connections.remove(connection)
                if connection.exclusive and connection.card is not None:
                    connection.card.reset()

    def stop_watching(self, watch: "VirtualWatch") -> None:
        """Remove a watch."""
        with self._lock:
            if watch in self._watches:
                self._watches.remove(watch)


class VirtualConnection(CardConnection):
    """A card in a virtual reader."""

    extended_length = True

    def __init__(self, reader: VirtualReader, card: InsertableCard, exclusive: bool) -> None:
        self._reader, self._exclusive = reader, exclusive
        self._atr = card.atr
        self.card: InsertableCard | None = card

    @property
    def atr(self) -> bytes:
        """The answer to reset."""
        return self._atr

    @property
    def exclusive(self) -> bool:
        """Whether other connections are kept out."""
        return self._exclusive

    def send_and_receive(self, apdu: bytearray) -> tuple[bytes, int]:
        """Send one command APDU; return the answer's data and its status word."""
        answer = self._reader.transmit(self, apdu)
        if len(answer) < 2:
            raise MalformedResponseError("length of answer")
        return answer[:-2], int.from_bytes(answer[-2:], "big")

    def close(self) -> None:
        """Release the card."""
        self._reader.release(self)
        self.card = None


class VirtualWatch:
    """A watch over one virtual reader."""

    def __init__(self, reader: VirtualReader, on_change: Callable[[ReaderSnapshot], None]) -> None:
        self._reader, self._on_change = reader, on_change

    @property
    def snapshot(self) -> ReaderSnapshot:
        """The current state."""
        return ReaderSnapshot(ReaderService.RUNNING, self._reader.list_readers())

    def notify(self) -> None:
        """Report the current state."""
        self._on_change(self.snapshot)

    def close(self) -> None:
        """Stop watching."""
        self._reader.stop_watching(self)
