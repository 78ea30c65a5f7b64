"""Wakes whoever waits for something to change."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Bell:
    """A bell that anybody may ring and any number of tasks may wait for."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        """Wake everybody who waits now."""
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    async def wait(self) -> None:
        """Wait for the next ring."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            await waiter
        finally:
            self._waiting.discard(waiter)

    async def until(self, look: Callable[[], T | None], seconds: float) -> T | None:
        """Wait until `look` finds something, or `seconds` have passed, which gives None."""
        found = look()
        if found is not None or seconds <= 0:
            return found
        try:
            async with asyncio.timeout(seconds):
                while (found := look()) is None:
                    await self.wait()
        except TimeoutError:
            return look()
        return found
