"""Rows that the card does not wait for: written in order, a moment later.

An ordinary operation is on record only so that a restart can explain its end; the bridge does not
wait for the disk because of it.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from services.storage.database import Database

TASK = "bridge rows"
Write = Callable[[AsyncSession], Awaitable[None]]
_log = structlog.get_logger()


class WriteBehind:
    """Writes, one after the other, what it is given; what comes meanwhile shares a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[Write, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    def put(self, write: Write) -> asyncio.Future[None]:
        """Have something written; gives when it is."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((write, written))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work(), name=TASK)
        return written

    async def settled(self) -> None:
        """Wait until everything is written."""
        while self._task is not None and not self._task.done():
            await asyncio.wait((self._task,))

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                async with self._database.unit_of_work() as session:
                    for write, _ in batch:
                        await write(session)
            except SQLAlchemyError as error:
                _log.error("bridge_rows_not_written", error=type(error).__name__)
            for _, written in batch:
                if not written.done():
                    written.set_result(None)
