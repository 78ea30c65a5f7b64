"""The support desk, put together from the settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from bot.settings import Settings
from bot.wiring.application import KaikaApplication
from handlers.desk import setup
from services.desk.desk import SupportDesk
from services.storage.database import Database
from services.storage.keys import KeyRing
from services.supervisor import OwnedTasks


def make_desk(settings: Settings, database: Database, keys: KeyRing) -> SupportDesk | None:
    """Make the support desk; `None` where the settings name no admin of it."""
    if not settings.desk_admins:
        return None
    retention = timedelta(days=settings.desk_retention_days)
    hours = settings.business_hours
    return SupportDesk(database, keys, hours, settings.desk_admins, retention)


class DeskRuntime:
    """The work of the support desk that nobody's update causes."""

    def __init__(self, desk: SupportDesk, application: KaikaApplication) -> None:
        self._desk = desk
        self._application = application
        self._tasks = OwnedTasks()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work while the block runs."""
        report = setup.report_readiness(self._application.bot, self._desk)
        self._tasks.start("desk readiness", report)
        try:
            yield
        finally:
            self._tasks.cancel()
