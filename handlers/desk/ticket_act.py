"""What a member of the staff does with a ticket, with everything that it needs."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.call_types import CallKind, Values
from services.desk.desk import SupportDesk
from services.desk.models import Lane, Ticket
from services.desk.ticket_states import StaffActor, TicketEvent


@dataclass(frozen=True)
class TicketAct:
    """Something that a member of the staff does with a ticket.

    :ivar message: the id of their message; `None` for a button.
    :ivar replied: the id of the message that it replies to.
    :ivar replied_author: the user id of its author, where that is a person.
    :ivar argument: what follows a command, or the ids that follow the ticket's in a button.
    """

    desk: SupportDesk
    session: AsyncSession
    ticket: Ticket
    actor: StaffActor
    now: datetime
    message: int | None = None
    replied: int | None = None
    replied_author: int | None = None
    argument: str = ""

    async def move(self, event: TicketEvent) -> None:
        """Move the ticket.

        :raises TicketRefusedError: where that is not possible.
        :raises NotAllowedError: where they may not.
        """
        await self.desk.tickets.move(self.session, self.ticket, event, self.actor, self.now)

    async def notify(self, name: str, values: Values | None = None) -> None:
        """Have the bot say something in the topic."""
        filled = dict(values or {})
        if self.message is not None:
            filled.setdefault("message", self.message)
        add, kind = self.desk.calls.add, CallKind.NOTICE
        await add(
            self.session, self.ticket.id, Lane.GROUP, kind, self.now, name=name, values=filled
        )

    async def tell_subscriber(self, name: str) -> None:
        """Have the bot say something to the subscriber."""
        add, kind = self.desk.calls.add, CallKind.NOTICE
        await add(self.session, self.ticket.id, Lane.PRIVATE, kind, self.now, name=name)


def note_hint(ticket: Ticket, user_id: int) -> bool:
    """Note that somebody is told something, and return whether they were not told before."""
    told = ticket.told.split()
    if str(user_id) in told:
        return False
    ticket.told = " ".join([*told, str(user_id)])
    return True
