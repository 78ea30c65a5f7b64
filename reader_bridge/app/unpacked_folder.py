"""The folder that the app as one file unpacks itself into, and those that killed ones left behind.

What starts it removes the folder at the end, unless it is killed as well. A running app holds a
lock on a file in its folder, which the system releases whatever ends it. So a folder is removed
only if it has that file, belongs to the same user, and nobody holds the lock.
"""

import contextlib
import os
import shutil
import stat
import sys
from pathlib import Path
from typing import Final

_PREFIX: Final = "_MEI"
"""How PyInstaller names the folders."""
LOCK_FILE: Final = "kaika-bridge.lock"
_held: list[int] = []
"""Descriptors of the locks that this process holds until it ends."""


def own_folder() -> Path | None:
    """Return the folder that this process runs from; `None` where it was not unpacked."""
    folder = Path(getattr(sys, "_MEIPASS", ""))
    return folder if folder.name.startswith(_PREFIX) and sys.platform == "linux" else None


def tidy_up(folder: Path) -> None:
    """Mark a folder as in use, and remove those beside it that killed apps left behind."""
    with contextlib.suppress(OSError):
        _hold_lock(folder)
    with contextlib.suppress(OSError):
        for beside in folder.parent.glob(f"{_PREFIX}*"):
            if beside != folder and _is_left_behind(beside):
                shutil.rmtree(beside, ignore_errors=True)


def _hold_lock(folder: Path) -> None:
    """Lock the file before it has its name, so that nobody finds it without the lock."""
    import fcntl  # not on Windows

    path = folder / f"{LOCK_FILE}.{os.getpid()}"
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    _held.append(descriptor)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    path.replace(folder / LOCK_FILE)


def _is_left_behind(folder: Path) -> bool:
    """Whether a folder is surely of an app of this user that is over."""
    import fcntl

    try:
        status = folder.lstat()
        is_own = status.st_uid == os.getuid() and not status.st_mode & 0o022
        if not is_own or not stat.S_ISDIR(status.st_mode):
            return False
        descriptor = os.open(folder / LOCK_FILE, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
