"""Keeps the server's memory out of files; docs/security.md says what it may hold."""

import ctypes
import sys
from contextlib import suppress

_PR_SET_DUMPABLE = 4


def forbid_memory_dumps() -> None:
    """Forbid core dumps; on Linux, let no other program of the same user read the memory."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
