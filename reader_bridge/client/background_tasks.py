"""The tasks and timers of a session."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class BackgroundTasks:
    """Runs tasks and timers, and reports a task that fails.

    :param on_failure: called with an exception that nobody else would see.
    """

    def __init__(self, on_failure: Callable[[BaseException], None]) -> None:
        self._on_failure = on_failure
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._finishing = False

    def spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run a coroutine in the background; a no-op once `finish` was called."""
        task = asyncio.ensure_future(work)
        if self._finishing:
            task.cancel()
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    def set_timer(self, name: str, seconds: float, action: Callable[[], object]) -> None:
        """Run an action later, in place of the one that was set under this name."""
        self.cancel_timer(name)
        self._timers[name] = asyncio.get_running_loop().call_later(seconds, action)

    def has_timer(self, name: str) -> bool:
        """Whether an action is scheduled under this name."""
        return name in self._timers

    def cancel_timer(self, name: str) -> None:
        """Cancel the action under this name, if there is one."""
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    async def finish(self) -> None:
        """Cancel the timers and wait for the running tasks."""
        self._finishing = True
        for name in list(self._timers):
            self.cancel_timer(name)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _on_done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._on_failure(error)
