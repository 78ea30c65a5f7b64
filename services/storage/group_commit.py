"""Bringing commits of SQLite to the disk, many at a time.

With ``synchronous=FULL`` every commit waits for the disk while nobody else may write. Here a
commit only appends to the write-ahead log (``synchronous=NORMAL``), the next writer begins, and one
flush of the log brings everything that was committed meanwhile to the disk. Whoever committed goes
on after the flush, so that nothing is answered, sent or erased that a power cut could undo.

Only a transaction that was opened for reading does not wait: it may see what a power cut within
the next milliseconds would undo.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import structlog

from services.storage.availability import DatabaseUnavailableError

_LOCK_SECONDS = 5.0
_log = structlog.get_logger()
_Waiting = list[tuple["asyncio.Future[None]", Callable[[], None]]]


class GroupCommit:
    """Flushes the write-ahead log of a database file.

    :ivar has_unflushed: whether something was committed since the last flush began, or that failed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._journal = path.with_name(path.name + "-wal")
        self._waiting: _Waiting = []
        self._flushed_now: _Waiting | None = None
        """Who waits for the flush that is under way; `None` where none is."""
        self._must_copy = False
        self._thread: ThreadPoolExecutor | None = None
        self.has_unflushed = False

    def note_commit(self) -> None:
        """Note that a commit has appended to the log."""
        self.has_unflushed = True

    def flush_then(self, follow: Callable[[], None]) -> "asyncio.Future[None]":
        """Flush what was committed so far, then call `follow`, in the order of these calls.

        It is called also where nobody waits for the future any more.

        :raises DatabaseUnavailableError: in the future, where the disk refuses; `follow` is not
            called then, and whether the commits survive a power cut is unknown.
        """
        done = asyncio.get_running_loop().create_future()
        if self.has_unflushed:
            self._waiting.append((done, follow))
            if self._flushed_now is None:
                self._begin()
        elif self._flushed_now is not None:  # it may have seen what is being flushed
            self._flushed_now.append((done, follow))
        else:
            _settle(done, follow, None)
        return done

    def close(self) -> None:
        """End the thread; a later flush starts another."""
        if self._thread is not None:
            self._thread.shutdown(wait=False)
            self._thread = None

    def _begin(self) -> None:
        self._flushed_now, self._waiting = self._waiting, []
        self.has_unflushed = False
        self._thread = self._thread or ThreadPoolExecutor(1, "sqlite-flush")
        flushing = asyncio.get_running_loop().run_in_executor(self._thread, self._flush)
        flushing.add_done_callback(lambda done: self._end(done.exception()))

    def _end(self, error: BaseException | None) -> None:
        flushed, self._flushed_now = self._flushed_now or [], None
        failure = None if error is None else _unavailable(error)
        self.has_unflushed |= error is not None
        for done, follow in flushed:
            _settle(done, follow, failure)
        if self._waiting:
            self._begin()

    def _flush(self) -> None:
        try:
            if self._must_copy:
                self._copy_journal()
            else:
                _synchronize(self._journal)
        except (OSError, sqlite3.Error):
            # The system may report an error once and lose what it could not write, so that another
            # flush would succeed without it. Copying writes it again.
            self._must_copy = True
            raise
        self._must_copy = False

    def _copy_journal(self) -> None:
        """Copy the log into the file of the database, and flush that."""
        with closing(sqlite3.connect(self._path, timeout=_LOCK_SECONDS)) as connection:
            is_busy, *_ = connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
        if is_busy:
            raise BlockingIOError("the journal is in use")


def _settle(
    done: "asyncio.Future[None]", follow: Callable[[], None], failure: Exception | None
) -> None:
    """Call `follow` unless the flush failed, and tell whoever still waits."""
    if failure is None:
        try:
            follow()
        except Exception as error:  # what follows other commits has to be called too
            failure = error
    if done.done():  # its task was cancelled
        return
    if failure is None:
        done.set_result(None)
    else:
        done.set_exception(failure)


def _synchronize(path: Path) -> None:
    """Bring a file to the disk; one that is gone was copied to the database before."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        getattr(os, "fdatasync", os.fsync)(descriptor)
    finally:
        os.close(descriptor)


def _unavailable(error: BaseException) -> DatabaseUnavailableError:
    _log.error("journal_not_flushed", error=type(error).__name__)
    return DatabaseUnavailableError(f"the journal cannot be brought to the disk: {error}")
