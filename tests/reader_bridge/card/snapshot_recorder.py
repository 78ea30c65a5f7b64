"""Records the snapshots of a reader watch, and waits for an expected one."""

import queue
from collections.abc import Callable

from reader_bridge.card.connection import ReaderSnapshot, ReaderState
from tests.patience import PATIENCE


class SnapshotRecorder:
    """Records snapshots and waits for the expected ones."""

    def __init__(self) -> None:
        self._snapshots: queue.Queue[ReaderSnapshot] = queue.Queue()
        self.last: ReaderSnapshot | None = None

    def __call__(self, snapshot: ReaderSnapshot) -> None:
        self._snapshots.put(snapshot)

    def wait_until(self, expected: Callable[[ReaderSnapshot], bool]) -> ReaderSnapshot:
        """Wait until a snapshot is as expected.

        :raises queue.Empty: it never came.
        """
        while self.last is None or not expected(self.last):
            self.last = self._snapshots.get(timeout=PATIENCE)
        return self.last

    def nothing_more(self) -> bool:
        """Whether no snapshot came that nobody waited for."""
        return self._snapshots.empty()


def state_of(snapshot: ReaderSnapshot, reader: str) -> ReaderState:
    """A reader in a snapshot; one without a card where it is not there."""
    return next((state for state in snapshot.readers if state.name == reader), ReaderState(reader))


def has_card(reader: str, present: bool = True) -> Callable[[ReaderSnapshot], bool]:
    return lambda snapshot: state_of(snapshot, reader).card_present is present
