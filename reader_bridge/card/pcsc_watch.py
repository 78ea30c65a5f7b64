"""Watches readers, their cards, and the reader service itself."""

import threading
from collections.abc import Callable

from reader_bridge.card.connection import ReaderService, ReaderSnapshot, ReaderState
from reader_bridge.card.errors import CardError
from reader_bridge.card.pcsc_api import PcscApi, reader_state
from reader_bridge.card.pcsc_library import NEW_READER_NOTIFICATION, ReaderEvent, ReaderFlag

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
                self._pcsc.cancel(context)
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
        known: dict[str, int] = {}
        readers: dict[str, ReaderState] = {}
        while not self._stop.is_set():
            names = self._pcsc.reader_names(context)
            asked = [(name, known.get(name, int(ReaderFlag.UNAWARE))) for name in names]
            for event in self._wait(context, asked, len(names)):
                known[event.name] = event.flags & ~ReaderFlag.CHANGED
                readers[event.name] = reader_state(event)
            states = tuple(readers[name] for name in names if name in readers)
            self._report(ReaderSnapshot(ReaderService.RUNNING, states))

    def _wait(self, context: int, asked: list[tuple[str, int]], count: int) -> list[ReaderEvent]:
        """Wait for a change and return the readers it concerns."""
        everything = list(asked)
        if self._notifies_new_readers:
            everything.append((NEW_READER_NOTIFICATION, count << 16))
        if not everything:
            self._stop.wait(POLL_MILLISECONDS / 1000)
            return []
        events = self._pcsc.wait_for_change(context, POLL_MILLISECONDS, everything)
        if events is None:
            # a reader was pulled; the second time in a row, new readers are not reported here
            self._notifies_new_readers = not self._was_unknown_reader
            self._was_unknown_reader = True
            return []
        self._was_unknown_reader = False
        return [event for event in events if event.name != NEW_READER_NOTIFICATION]

    def _report(self, snapshot: ReaderSnapshot) -> None:
        if snapshot != self._snapshot or not self._was_reported:
            self._snapshot, self._was_reported = snapshot, True
            self._on_change(snapshot)
