"""The support desk as handlers see it: its group, its tickets, and what is kept in memory of them.

One process owns the database, so what is in memory is exact.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

import locales
from services.desk import staff
from services.desk.calls import CallQueue
from services.desk.held_messages import HeldMessages
from services.desk.hours import BusinessHours
from services.desk.mirror import MessageMirror
from services.desk.models import StaffGroup
from services.desk.sent_answers import AnswerSender
from services.desk.ticket_states import BOT_IS_SILENT, TicketState
from services.desk.tickets import TicketStore, is_continued, is_muted
from services.storage.database import Database
from services.storage.keys import KeyRing


@dataclass(frozen=True, slots=True)
class TicketView:
    """What an update has to know of the ticket of its chat.

    :ivar is_with_staff: whether an agent has it.
    """

    id: int
    is_open: bool
    is_with_staff: bool
    is_muted: bool


class SupportDesk:
    """The support desk.

    :param admins: user ids of those who set it up.
    :param retention: how long a ticket is kept after its end.
    :ivar chats: the private chats that have a ticket, also one that has ended; whoever is not
        among them costs no query.
    """

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        hours: BusinessHours,
        admins: Collection[int],
        retention: timedelta,
    ) -> None:
        self._database = database
        self.hours = hours
        self.admins = frozenset(admins)
        self.retention = retention
        self.calls = CallQueue(keys)
        self.tickets = TicketStore(self.calls, hours, retention)
        self.mirror = MessageMirror(self.calls, keys)
        self.held = HeldMessages(self.calls, self.mirror)
        self.answers = AnswerSender(self.calls)
        self.chats: set[int] = set()
        self.group_id: int | None = None
        self.language = locales.DEFAULT

    @property
    def is_open_for_tickets(self) -> bool:
        """Whether it is set up, so that people can ask for a person."""
        return self.group_id is not None

    async def load(self) -> None:
        """Read what is kept in memory; called once this process owns the database."""
        async with self._database.unit_of_work() as session:
            group = await staff.find_group(session)
            self.chats = await self.tickets.list_chats(session)
        if group is not None:
            self.use_group(group)

    def use_group(self, group: StaffGroup) -> None:
        """Work in this group from now on."""
        self.group_id, self.language = group.chat_id, group.language

    async def find_view(
        self, session: AsyncSession, chat_id: int, now: datetime
    ) -> TicketView | None:
        """Return the ticket that messages of a chat belong to; `None` where there is none."""
        ticket = await self.tickets.find_latest(session, chat_id)
        if ticket is None or not is_continued(ticket, now):
            return None
        return TicketView(
            id=ticket.id,
            is_open=ticket.state != TicketState.RESOLVED,
            is_with_staff=TicketState(ticket.state) in BOT_IS_SILENT,
            is_muted=is_muted(ticket, now),
        )

    async def has_open_tickets(self, session: AsyncSession) -> bool:
        """Whether any ticket is open."""
        return await self.tickets.has_open(session)
