"""Wakes tasks that wait for a change: `asyncio.Condition` without the lock."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class ChangeSignal:
    """A signal that any number of tasks may wait for."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def notify(self) -> None:
        """Wake every task that waits now."""
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    async def wait(self) -> None:
        """Wait for the next notification."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            await waiter
        finally:
            self._waiting.discard(waiter)

    async def wait_for(self, find: Callable[[], T | None], seconds: float) -> T | None:
        """Return what `find` returns as soon as it is not None; None after `seconds`.

        `find` runs now and after every notification.
        """
        found = find()
        if found is not None or seconds <= 0:
            return found
        try:
            async with asyncio.timeout(seconds):
                while (found := find()) is None:
                    await self.wait()
        except TimeoutError:
            return find()
        return found
