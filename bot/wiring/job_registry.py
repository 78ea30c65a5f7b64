"""The kinds of scheduled jobs, and what runs each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncSession
from telegram.ext import Application

from bot.jobs.worker import (
    HOUSEKEEPING,
    JobWorker,
    NetworkJob,
    TransactionalJob,
    schedule_housekeeping,
)
from handlers.context import Services
from handlers.conversations.pay.reminders import send_reminder
from handlers.conversations.retrieve import code_reveal
from handlers.notifications import ChatSender
from services.clock import SystemClock
from services.conversations import ConversationStore
from services.desk import staff
from services.messaging import outbox, payment_reminders
from services.messaging.inbox import Inbox
from services.messaging.outbox import Channel, ChannelSender, OutboxDelivery
from services.messaging.staff_alerts import StaffLogSender
from services.storage.database import Database
from services.storage.models import Job

if TYPE_CHECKING:
    from bot.wiring.bridge import BridgeRuntime
    from bot.wiring.desk import DeskRuntime
    from bot.wiring.embedded import EmbeddedServices


@dataclass(frozen=True)
class JobRegistry:
    """Connects each kind of job with the part of the bot that runs it."""

    application: Application[Any, Any, Any, Any, Any, Any]
    database: Database
    inbox: Inbox
    conversations: ConversationStore
    embedded: "EmbeddedServices | None"
    bridge: "BridgeRuntime | None"
    clock: SystemClock
    desk: "DeskRuntime | None" = None

    def make_worker(self) -> JobWorker:
        """Make the worker with every kind of job."""
        transactional: dict[str, TransactionalJob] = {HOUSEKEEPING: self._delete_old}
        network: dict[str, NetworkJob] = {payment_reminders.JOB_KIND: self.send_payment_reminder}
        if self.desk is not None:
            transactional |= self.desk.transactional_jobs()
            network |= self.desk.network_jobs()
        if self.embedded is not None:
            transactional |= self.embedded.transactional_jobs()
            network |= self.embedded.network_jobs(self._senders())
            network[code_reveal.DUE_KIND] = self._erase_code
        else:
            network[outbox.JOB_KIND] = self._deliver_outbox
        return JobWorker(self.database, transactional, network, self.clock)

    async def send_payment_reminder(self, row: Job, _now: datetime) -> None:
        """Send a reminder of a payment deadline."""
        await send_reminder(self.application.bot, self._services(), row)

    async def _deliver_outbox(self, row: Job, now: datetime) -> None:
        await OutboxDelivery(self.database, self._senders()).deliver(row.reference, now)

    def _senders(self) -> Mapping[Channel, ChannelSender]:
        """The outbox's channels besides mail."""
        chat = ChatSender(self.application.bot, self._services)
        return {Channel.CHAT: chat, Channel.STAFF: StaffLogSender()}

    def _services(self) -> Services:
        services: Services = self.application.bot_data["services"]
        return services

    async def _delete_old(self, session: AsyncSession, _row: Job, now: datetime) -> None:
        await self.inbox.delete_old(session, now)
        await outbox.delete_old(session, now)
        await self.conversations.close_expired(session, now)
        if self.embedded is not None:
            await self.embedded.authority.expire_overdue_within(session, now)
        if self.bridge is not None:
            await self.bridge.delete_old(session, now)
        if self.desk is not None:
            await staff.delete_old_acts(session, now)
        await schedule_housekeeping(session, now)

    async def _erase_code(self, row: Job, _now: datetime) -> None:
        await code_reveal.run_erase_job(self.application.bot, row)
