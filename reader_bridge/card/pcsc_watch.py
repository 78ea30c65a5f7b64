"""Watches readers, their cards, and the reader service itself."""

import threading
from collections.abc import Callable

from reader_bridge.card.connection import ReaderService, ReaderSnapshot, ReaderState
from reader_bridge.card.errors import CardError
from reader_bridge.card.pcsc_api import PcscApi

NEW_READER_NOTIFICATION = "\\\\?PnP?\\Notification"
"""PC/SC's pseudo reader for "a reader was plugged in or pulled out"."""
POLL_MILLISECONDS = 2000
"""Not every system reports new readers, and one could come between two calls."""
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 0.25, 2.0


class PcscWatch:
    """A watch on its own thread. It survives the service: a restarted one is found again."""

    def __init__(self, pcsc: PcscApi, on_change: Callable[[ReaderSnapshot], None]) -> None:
        self._pcsc, self._on_change = pcsc, on_change
        self._snapshot = ReaderSnapshot(ReaderService.STOPPED)
        self._was_reported = False
        self._stop = threading.Event()
        self._context: int | None = None
        self._notifies_new_readers = True
        self._was_unknown_reader = False
        self._thread = threading.Thread(target=self._run, name="reader watch", daemon=True)
        self._thread.start()

    @property
    def snapshot(self) -> ReaderSnapshot:
        """The current state."""
        return self._snapshot

    def close(self) -> None:
        """Stop watching. `on_change` is not called after this returns."""
        self._stop.set()
        while self._thread.is_alive() and self._thread is not threading.current_thread():
            if (context := self._context) is not None:
                self._pcsc.scard.SCardCancel(context)
            self._thread.join(0.05)

    def _run(self) -> None:
        pause = FIRST_RETRY_SECONDS
        while not self._stop.is_set():
            try:
                self._context = self._pcsc.establish()
                pause = FIRST_RETRY_SECONDS
                self._watch(self._context)
            except CardError:
                self._report(ReaderSnapshot(ReaderService.STOPPED))
                self._stop.wait(pause)
                pause = min(2 * pause, LAST_RETRY_SECONDS)
            finally:
                context, self._context = self._context, None
                if context is not None:
                    self._pcsc.release(context)

    def _watch(self, context: int) -> None:
        scard = self._pcsc.scard
        known: dict[str, int] = {}
        readers: dict[str, ReaderState] = {}
        while not self._stop.is_set():
            names = self._pcsc.reader_names(context)
            readers = {name: readers.get(name, ReaderState(name)) for name in names}
            asked = [(name, known.get(name, scard.SCARD_STATE_UNAWARE)) for name in names]
            for name, event, atr in self._wait(context, asked, len(names)):
                known[name] = event & ~scard.SCARD_STATE_CHANGED
                if name in readers:
                    readers[name] = self._pcsc.reader_state(name, event, atr)
            told = {name for name in names if name in known}
            self._report(
                ReaderSnapshot(
                    ReaderService.RUNNING, tuple(readers[name] for name in names if name in told)
                )
            )

    def _wait(
        self, context: int, asked: list[tuple[str, int]], count: int
    ) -> list[tuple[str, int, list[int]]]:
        """Wait for a change and return the readers it concerns."""
        scard = self._pcsc.scard
        everything = list(asked)
        if self._notifies_new_readers:
            everything.append((NEW_READER_NOTIFICATION, count << 16))
        if not everything:
            self._stop.wait(POLL_MILLISECONDS / 1000)
            return []
        result, states = scard.SCardGetStatusChange(context, POLL_MILLISECONDS, everything)
        kind = self._pcsc.name_of(result)
        if kind in ("SCARD_E_TIMEOUT", "SCARD_E_CANCELLED"):
            return []
        if kind == "SCARD_E_UNKNOWN_READER":
            # a reader was pulled just now; or, where it comes again, new ones are not told of
            self._notifies_new_readers = not self._was_unknown_reader
            self._was_unknown_reader = True
            return []
        self._was_unknown_reader = False
        self._pcsc.check(result)
        return [
            (name, event, atr) for name, event, atr in states if name != NEW_READER_NOTIFICATION
        ]

    def _report(self, snapshot: ReaderSnapshot) -> None:
        if snapshot != self._snapshot or not self._was_reported:
            self._snapshot, self._was_reported = snapshot, True
            self._on_change(snapshot)
