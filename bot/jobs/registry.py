"""What the bot does when it falls due, and which part of it does which."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncSession
from telegram.ext import Application

from bot.jobs.worker import HOUSEKEEPING, DueWorker, Errand, Task, schedule_housekeeping
from handlers.context import Services
from handlers.conversations.pay.reminders import send_reminder
from handlers.conversations.retrieve import code_reveal
from handlers.notifications import ChatSender
from services.conversations import ConversationStore
from services.messaging import outbox, reminders
from services.messaging.inbox import Inbox
from services.messaging.outbox import Channel, Courier, Sender
from services.messaging.staff_alerts import StaffLog
from services.storage.database import Database
from services.storage.models import Due

if TYPE_CHECKING:
    from bot.wiring.bridge import Bridge
    from bot.wiring.embedded import Embedded


@dataclass(frozen=True)
class Duties:
    """Everything that is put down to be done later, with the parts that do it."""

    application: Application[Any, Any, Any, Any, Any, Any]
    database: Database
    inbox: Inbox
    conversations: ConversationStore
    embedded: "Embedded | None"
    bridge: "Bridge | None"

    def worker(self) -> DueWorker:
        """Give the worker that does them."""
        tasks: dict[str, Task] = {HOUSEKEEPING: self._tidy_up}
        errands: dict[str, Errand] = {reminders.DUE_KIND: self.remind}
        if self.embedded is not None:
            tasks |= self.embedded.tasks()
            errands |= self.embedded.errands(self._senders())
            errands[code_reveal.DUE_KIND] = self._erase
        else:
            errands[outbox.DUE_KIND] = self._deliver
        return DueWorker(self.database, tasks, errands)

    async def remind(self, row: Due, _now: datetime) -> None:
        """Remind somebody of a date that they gave."""
        await send_reminder(self.application.bot, self._services(), row)

    async def _deliver(self, row: Due, now: datetime) -> None:
        await Courier(self.database, self._senders()).deliver(row.reference, now)

    def _senders(self) -> Mapping[Channel, Sender]:
        """Give the outbox's channels besides mail."""
        chat = ChatSender(self.application.bot, self._services)
        return {Channel.CHAT: chat, Channel.STAFF: StaffLog()}

    def _services(self) -> Services:
        services: Services = self.application.bot_data["services"]
        return services

    async def _tidy_up(self, session: AsyncSession, _row: Due, now: datetime) -> None:
        await self.inbox.forget_old(session, now)
        await self.conversations.close_expired(session, now)
        if self.embedded is not None:
            await self.embedded.authority.expire_within(session, now)
        if self.bridge is not None:
            await self.bridge.tidy(session, now)
        await schedule_housekeeping(session, now)

    async def _erase(self, row: Due, _now: datetime) -> None:
        await code_reveal.run_erase_job(self.application.bot, row)
