"""The tasks and timers of a session, so that none is lost and none fails unseen."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Tasks:
    """Runs things beside each other.

    :param failed: told of an exception that nobody else would see.
    """

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._finishing = False

    def spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run something beside; nothing begins any more where everything is to end."""
        task = asyncio.ensure_future(work)
        if self._finishing:
            task.cancel()
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def set_timer(self, name: str, seconds: float, act: Callable[[], object]) -> None:
        """Have something done later, in place of what was to be done under this name."""
        self.cancel_timer(name)
        self._timers[name] = asyncio.get_running_loop().call_later(seconds, act)

    def has_timer(self, name: str) -> bool:
        """Tell whether something is to be done under a name."""
        return name in self._timers

    def cancel_timer(self, name: str) -> None:
        """Have it not done."""
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    async def finish(self) -> None:
        """Wait for everything that runs, and forget what was to be done later, for good."""
        self._finishing = True
        for name in list(self._timers):
            self.cancel_timer(name)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._failed(error)
