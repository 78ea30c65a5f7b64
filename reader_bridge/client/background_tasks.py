"""The tasks and timers of a session, so that none is lost and none fails unseen."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class BackgroundTasks:
    """Runs things beside each other.

    :param failed: told of an exception that nobody else would see.
    """

    def __init__(self, on_failure: Callable[[BaseException], None]) -> None:
        self._on_failure = on_failure
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run something beside."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    def set_timer(self, name: str, seconds: float, action: Callable[[], object]) -> None:
        """Have something done later, in place of what was to be done under this name."""
        self.cancel_timer(name)
        self._timers[name] = asyncio.get_running_loop().call_later(seconds, action)

    def has_timer(self, name: str) -> bool:
        """Tell whether something is to be done under a name."""
        return name in self._timers

    def cancel_timer(self, name: str) -> None:
        """Have it not done."""
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    async def finish(self) -> None:
        """Wait for everything that runs, and forget what was to be done later."""
        for name in list(self._timers):
            self.cancel_timer(name)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _on_done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._on_failure(error)
