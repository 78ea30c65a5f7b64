"""Only one process takes updates in; a second waits for it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.jobs.periodic import repeated
from services import leader_lease
from services.storage.database import Database

_NAME = "intake"
_RENEWAL_SECONDS = 5.0

_log = structlog.get_logger()


class IntakeLease:
    """Claim of this process on the intake.

    :param on_loss: called when the lease was lost, so that another process may have it.
    """

    def __init__(self, database: Database, on_loss: Callable[[], None]) -> None:
        self._database = database
        self._on_loss = on_loss
        self._holder = leader_lease.this_process()
        self._renewed = datetime.now(UTC)

    async def wait(self, stop: asyncio.Event) -> bool:
        """Wait until the lease is ours; `False` when `stop` was set first."""
        told = False
        while not stop.is_set():
            if await self._acquire():
                return True
            if not told:
                _log.warning("another_process_holds_the_intake")
                told = True
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1.0)
        return False

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Renew the lease while the block runs, then give it back."""
        self._renewed = datetime.now(UTC)
        try:
            async with repeated(self._renew, _RENEWAL_SECONDS, "intake lease"):
                yield
        finally:
            async with self._database.unit_of_work() as session:
                await leader_lease.release(session, _NAME, self._holder)

    async def _renew(self) -> None:
        try:
            kept = await self._acquire()
            self._renewed = datetime.now(UTC)
        except SQLAlchemyError:
            kept = datetime.now(UTC) - self._renewed < leader_lease.DURATION
        if not kept:
            _log.error("intake_lease_lost")
            self._on_loss()

    async def _acquire(self) -> bool:
        async with self._database.unit_of_work() as session:
            return await leader_lease.acquire(session, _NAME, self._holder, datetime.now(UTC))
