"""Write-behind queue for rows that the card does not wait for.

Operations that set no PIN are recorded only so that a restart can explain their end; the bridge
does not wait for the disk because of that.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services.storage.availability import is_transient
from services.storage.database import Database
from services.supervisor import OwnedTasks

TASK = "bridge rows"
Write = Callable[[AsyncSession], Awaitable[None]]
_log = structlog.get_logger()


class WriteBehind:
    """Writes rows in order; what is queued during a transaction shares the next one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[Write, asyncio.Future[None]]] = []
        self._tasks = OwnedTasks()
        self._is_writing = False

    def enqueue(self, write: Write) -> asyncio.Future[None]:
        """Queue a write; the future is done once it was written or failed."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((write, written))
        if not self._is_writing:
            self._is_writing = True
            self._tasks.start(TASK, self._work())
        return written

    async def flush(self) -> None:
        """Wait until the queue is empty."""
        await self._tasks.wait()

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._write(batch)
        finally:
            self._is_writing = False

    async def _write(self, batch: Sequence[tuple[Write, asyncio.Future[None]]]) -> None:
        try:
            async with self._database.unit_of_work() as session:
                for write, _ in batch:
                    await write(session)
        except Exception as error:  # those that come after it are written all the same
            bug = None if is_transient(error) else error
            _log.error("bridge_rows_not_written", error=type(error).__name__, exc_info=bug)
        for _, written in batch:
            if not written.done():
                written.set_result(None)
