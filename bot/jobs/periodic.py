"""Work that comes round every so many seconds while a part of the bot runs.

It ends between two rounds, never within one: a task that is cancelled in a transaction may leave
the database locked, and SQLAlchemy's drivers may swallow the cancellation and go on.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def repeated(
    work: Callable[[], Awaitable[object]], seconds: float, name: str
) -> AsyncIterator[None]:
    """Do `work` at once and then every so many `seconds` while the block runs.

    An error of `work` ends the rounds, and is raised when the block ends.
    """
    ending = asyncio.Event()

    async def rounds() -> None:
        while not ending.is_set():
            await work()
            with suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), seconds)

    task = asyncio.create_task(rounds(), name=name)
    try:
        yield
    finally:
        ending.set()
        await task
