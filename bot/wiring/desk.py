"""The support desk, put together from the settings."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from bot.jobs.desk_scheduler import DeskScheduler
from bot.jobs.worker import NetworkJob, TransactionalJob
from bot.settings import Settings
from bot.wiring.application import KaikaApplication
from handlers.context import Services
from handlers.desk import setup, statistics
from handlers.desk.board import TicketBoard
from handlers.desk.library_answers import library_of
from handlers.desk.subscriber_calls import SubscriberCaller
from handlers.desk.topic_calls import TopicCaller
from services.clock import SystemClock
from services.desk.desk import SupportDesk
from services.desk.tickets import PURGE_KIND, TIMER_KIND
from services.storage.database import Database
from services.storage.keys import KeyRing
from services.storage.models import Job
from services.supervisor import OwnedTasks, Supervisor


def make_desk(settings: Settings, database: Database, keys: KeyRing) -> SupportDesk | None:
    """Make the support desk; `None` where the settings name no admin of it."""
    if not settings.desk_admins:
        return None
    retention = timedelta(days=settings.desk_retention_days)
    hours = settings.business_hours
    return SupportDesk(database, keys, hours, settings.desk_admins, retention)


class DeskRuntime:
    """The work of the support desk that nobody's update causes."""

    def __init__(
        self,
        desk: SupportDesk,
        database: Database,
        application: KaikaApplication,
        clock: SystemClock,
    ) -> None:
        self._desk = desk
        self._application = application
        self._tasks = OwnedTasks()
        parts = (desk, database, application.bot, self._services)
        topics, subscribers = TopicCaller(*parts), SubscriberCaller(*parts)
        board = TicketBoard(desk, database, application.bot)
        self.scheduler = DeskScheduler(desk, database, topics, subscribers, board, clock)

    def transactional_jobs(self) -> Mapping[str, TransactionalJob]:
        """The kinds of jobs that move tickets."""
        tickets = self._desk.tickets
        return {TIMER_KIND: tickets.run_timer, PURGE_KIND: tickets.run_purge}

    def network_jobs(self) -> Mapping[str, NetworkJob]:
        """The kinds of jobs that send something."""
        return {statistics.DIGEST_KIND: self._send_digest}

    async def _send_digest(self, row: Job, now: datetime) -> None:
        await statistics.send_digest(self._application.bot, self._services(), row, now)

    def _services(self) -> Services:
        services: Services = self._application.bot_data["services"]
        return services

    @asynccontextmanager
    async def running(self, supervisor: Supervisor) -> AsyncIterator[None]:
        """Work while the block runs."""
        library = library_of(self._services())
        report = setup.report_readiness(self._application.bot, self._desk, library)
        self._tasks.start("desk readiness", report)
        await statistics.schedule_digest(self._services(), self._desk)
        try:
            async with self.scheduler.running(supervisor):
                yield
        finally:
            self._tasks.cancel()
