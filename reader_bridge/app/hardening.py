"""Keeps the process's memory out of files: no core dumps, no crash reports.

docs/security.md says what the interpreter, the toolkit and the system's swap may still keep.
"""

import contextlib
import ctypes
import sys

PR_SET_DUMPABLE = 4
SEM_FAIL_CRITICAL_ERRORS, SEM_NO_FAULT_ERROR_BOX = 0x0001, 0x0002

if sys.platform == "win32":

    def disable_memory_dumps() -> None:
        """Keep a crash from writing memory to a file."""
        ctypes.windll.kernel32.SetErrorMode(SEM_FAIL_CRITICAL_ERRORS | SEM_NO_FAULT_ERROR_BOX)

else:
    import resource

    def disable_memory_dumps() -> None:
        """Keep a crash from writing memory to a file; on Linux, let no other program read it."""
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if sys.platform == "linux":
            with contextlib.suppress(OSError, AttributeError):
                ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
