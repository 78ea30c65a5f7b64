"""The limit on how long a stop may take, whatever the bot is waiting for at that moment.

An end at the limit is like a crash, which loses nothing: what was in hand is taken up at the next
start.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable

import structlog

STOP_SECONDS = 9.0
CUT_SHORT_STATUS = 1
"""Exit status of a process that had to be cut short."""

_log = structlog.get_logger()


class StopDeadline:
    """Ends the process when a stop takes too long, also while the event loop is blocked."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: threading.Timer | None = None

    def start(self) -> None:
        """Start counting, at the first call."""
        if self._timer is None:
            self._timer = threading.Timer(STOP_SECONDS, self._end)
            self._timer.daemon = True
            self._timer.start()

    def _end(self) -> None:
        try:
            waiting = sorted({task.get_name() for task in asyncio.all_tasks(self._loop)})
            _log.error("stop_cut_short", seconds=STOP_SECONDS, waiting_for=waiting)
            sys.stderr.flush()
        finally:
            os._exit(CUT_SHORT_STATUS)


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Call `stop` on SIGINT and SIGTERM."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
