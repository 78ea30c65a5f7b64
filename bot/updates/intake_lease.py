"""The lease on the intake: only one process takes updates in, a second one waits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import structlog

from services import leader_lease
from services.storage.availability import DatabaseUnavailableError
from services.storage.database import Database
from services.supervisor import Supervisor

_NAME = "intake"
_RENEWAL_SECONDS = 5.0

_log = structlog.get_logger()


class IntakeLease:
    """The lease of this process on the intake.

    :param on_loss: called when the lease was lost, so that another process may have it.
    """

    def __init__(self, database: Database, on_loss: Callable[[], None]) -> None:
        self._database = database
        self._on_loss = on_loss
        self._holder = leader_lease.process_name()
        self._renewed = datetime.now(UTC)

    async def acquire(self, stop: asyncio.Event) -> bool:
        """Wait for the lease; `False` when `stop` was set first."""
        is_logged = False
        while not stop.is_set():
            if await self._acquire_or_renew():
                return True
            if not is_logged:
                _log.warning("another_process_holds_the_intake")
                is_logged = True
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1.0)
        return False

    @asynccontextmanager
    async def renewing(self, supervisor: Supervisor) -> AsyncIterator[None]:
        """Renew the lease while the block runs, then release it."""
        self._renewed = datetime.now(UTC)
        try:
            async with supervisor.repeating("intake lease", self._renew, _RENEWAL_SECONDS):
                yield
        finally:
            with suppress(DatabaseUnavailableError):
                async with self._database.unit_of_work() as session:
                    await leader_lease.release(session, _NAME, self._holder)

    async def _renew(self) -> None:
        try:
            is_held = await self._acquire_or_renew()
            self._renewed = datetime.now(UTC)
        except DatabaseUnavailableError:
            is_held = datetime.now(UTC) - self._renewed < leader_lease.DURATION
        if not is_held:
            _log.error("intake_lease_lost")
            self._on_loss()

    async def _acquire_or_renew(self) -> bool:
        async with self._database.unit_of_work() as session:
            return await leader_lease.acquire(session, _NAME, self._holder, datetime.now(UTC))
