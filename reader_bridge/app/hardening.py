"""Keeps this process's memory out of files: no core dumps, no dialogs that send one away.

What the interpreter, the toolkit and the system's swap may keep is said in docs/security.md.
"""

import contextlib
import ctypes
import sys

PR_SET_DUMPABLE = 4
SEM_FAIL_CRITICAL_ERRORS, SEM_NO_FAULT_ERROR_BOX = 0x0001, 0x0002

if sys.platform == "win32":

    def disable_memory_dumps() -> None:
        """Let a crash write no memory away."""
        ctypes.windll.kernel32.SetErrorMode(SEM_FAIL_CRITICAL_ERRORS | SEM_NO_FAULT_ERROR_BOX)

else:
    import resource

    def disable_memory_dumps() -> None:
        """Let a crash write no memory away; on Linux, let no other program look in either."""
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if sys.platform == "linux":
            with contextlib.suppress(OSError, AttributeError):
                ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
