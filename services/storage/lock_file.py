"""A lock on a file, which the system releases when its process dies."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from services.storage.private_files import make_folder


class LockFile:
    """An exclusive lock on a file; a process that is frozen keeps it.

    The file stays when the lock is released, with the holder's note in it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    def try_acquire(self, note: str = "") -> bool:
        """Acquire the lock; `False` while another process holds it.

        :param note: text that other processes can read meanwhile.
        :raises OSError: where the file cannot be written, or the file system has no locks.
        """
        make_folder(self.path.parent)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = self._is_file(handle)
        except BlockingIOError:
            is_ours = False
        except OSError:
            os.close(handle)
            raise
        if not is_ours:
            os.close(handle)
            return False
        self._handle = handle
        os.ftruncate(handle, 0)
        os.pwrite(handle, note.encode(), 0)
        return True

    def read_note(self) -> str:
        """Return the note of whoever holds the lock, or held it last."""
        try:
            return self.path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def is_held(self) -> bool:
        """Whether this process holds the lock, and nobody has put another file in its place."""
        return self._handle is not None and self._is_file(self._handle)

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _is_file(self, handle: int) -> bool:
        """Whether an open file is the one that has the name."""
        with suppress(OSError):
            return os.path.samestat(os.fstat(handle), os.stat(self.path))
        return False
