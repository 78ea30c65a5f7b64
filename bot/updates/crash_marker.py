"""The update that the process is working on, in a file that outlives the process.

An update may end the process in ways that no handler can catch. The next process finds its id
here and counts it against the update (`services.messaging.inbox.Inbox.count_crash`), so that one
update cannot keep the bot from running. Only the update whose code runs at this moment is marked,
not those that wait for the network or the database; writing is an access to mapped memory.
"""

import mmap
import struct
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import coroutine
from typing import Any

import structlog

_ENTRY = struct.Struct("<Q")
_log = structlog.get_logger()


class CrashMarker:
    """Marks the update in progress; does nothing until it is opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._memory: mmap.mmap | None = None

    @contextmanager
    def keep_open(self) -> Iterator[int | None]:
        """Keep the file open while the block runs.

        Yields the update during which the last process ended, `None` for none. Where the file
        cannot be used, nothing is marked.
        """
        try:
            last = self._open()
        except (OSError, ValueError, struct.error) as error:
            _log.warning("crash_marker_unusable", error=type(error).__name__)
            last = None
        try:
            yield last
        finally:
            if self._memory is not None:
                self._memory.close()
                self._memory = None

    def _open(self) -> int | None:
        self._path.touch(mode=0o600)
        content = self._path.read_bytes()
        if len(content) != _ENTRY.size:
            content = bytes(_ENTRY.size)
            self._path.write_bytes(content)
        with self._path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _ENTRY.size)
        (entry,) = _ENTRY.unpack(content)
        self._write(0)
        return entry - 1 if entry else None

    def _write(self, entry: int) -> None:
        if self._memory is not None:
            _ENTRY.pack_into(self._memory, 0, entry)

    def mark(self, update_id: int, work: Callable[[], Any]) -> Any:
        """Return the result of `work`, with the update marked meanwhile."""
        self._write(update_id + 1)
        try:
            return work()
        finally:
            self._write(0)

    @coroutine
    def mark_steps(self, update_id: int, work: Awaitable[Any]) -> Generator[Any, Any, Any]:
        """Await `work`, with the update marked during each of its steps but not between them."""
        steps = work.__await__()
        step, value = steps.send, None
        while True:
            try:
                waiting = self.mark(update_id, partial(step, value))
            except StopIteration as ended:
                return ended.value
            try:
                step, value = steps.send, (yield waiting)
            except BaseException as error:
                step, value = steps.throw, error
