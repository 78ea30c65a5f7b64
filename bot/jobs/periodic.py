"""Periodic work.

It is never cancelled while it runs: a task that is cancelled in a transaction may leave the
database locked, and SQLAlchemy's drivers may swallow the cancellation and go on.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def run_every(
    work: Callable[[], Awaitable[object]], seconds: float, name: str
) -> AsyncIterator[None]:
    """Run `work` immediately and then every `seconds` while the block runs.

    An error of `work` ends the repetition, and is raised when the block ends.
    """
    stopping = asyncio.Event()

    async def repeat() -> None:
        while not stopping.is_set():
            await work()
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), seconds)

    task = asyncio.create_task(repeat(), name=name)
    try:
        yield
    finally:
        stopping.set()
        await task
