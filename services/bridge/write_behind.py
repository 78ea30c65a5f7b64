"""Write-behind queue for rows that the card does not wait for.

Operations that set no PIN are recorded only so that a restart can explain their end; the bridge
does not wait for the disk because of that.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services.storage.availability import DatabaseUnavailableError
from services.storage.database import Database

TASK = "bridge rows"
Write = Callable[[AsyncSession], Awaitable[None]]
_log = structlog.get_logger()


class WriteBehind:
    """Writes rows in order; what is queued during a transaction shares the next one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[Write, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    def enqueue(self, write: Write) -> asyncio.Future[None]:
        """Queue a write; the future is done once it was written or failed."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((write, written))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work(), name=TASK)
        return written

    async def flush(self) -> None:
        """Wait until the queue is empty."""
        while self._task is not None and not self._task.done():
            await asyncio.wait((self._task,))

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                async with self._database.unit_of_work() as session:
                    for write, _ in batch:
                        await write(session)
            except DatabaseUnavailableError as error:
                _log.error("bridge_rows_not_written", error=type(error).__name__)
            for _, written in batch:
                if not written.done():
                    written.set_result(None)
