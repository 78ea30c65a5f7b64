"""A lock beside a card file, which ends with the process that holds it."""

import contextlib
import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class CardFileBusyError(Exception):
    """The card file is open elsewhere."""


class FileLock:
    """A lock that is held."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    @classmethod
    def take(cls, path: Path) -> "FileLock":
        """Lock a file.

        :raises CardFileBusyError: it is locked already.
        """
        handle = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(handle)
        except OSError as error:
            os.close(handle)
            raise CardFileBusyError(path.name) from error
        return cls(handle)

    def release(self) -> None:
        """Release the lock."""
        with contextlib.suppress(OSError):
            os.close(self._handle)


if sys.platform == "win32":

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
