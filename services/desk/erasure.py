"""What the desk holds of a subscriber, and erasing it at their wish."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from services import jobs
from services.desk.call_types import CallKind
from services.desk.models import DeskCall, Lane, Ticket, TicketMessage
from services.desk.ticket_states import TicketState
from services.desk.tickets import timer_key

_NOBODY = 0
"""The chat of a ticket that is erased, until its topic is gone."""


@dataclass(frozen=True)
class HeldTicket:
    """What is held of a ticket, in plain values; its words are in the group of the staff only.

    :ivar after_answer: id of the answer that was read before, or empty.
    :ivar messages: how many messages went either way.
    """

    number: int
    state: str
    opened_at: datetime
    resolved_at: datetime | None
    language: str
    step: str
    after_answer: str
    reason: str | None
    is_helpful: bool | None
    messages: int


async def list_held(session: AsyncSession, chats: Collection[int]) -> list[HeldTicket]:
    """Return what is held of the tickets of some private chats, oldest first."""
    query = select(Ticket).where(Ticket.chat_id.in_(chats)).order_by(Ticket.id)
    return [await _describe(session, ticket) for ticket in await session.scalars(query)]


async def erase_tickets(session: AsyncSession, chats: Collection[int], now: datetime) -> None:
    """Erase the tickets of some private chats; the topics are deleted as the next thing there."""
    query = select(Ticket).where(Ticket.chat_id.in_(chats)).with_for_update()
    for ticket in (await session.scalars(query)).all():
        await _erase(session, ticket, now)


async def _describe(session: AsyncSession, ticket: Ticket) -> HeldTicket:
    messages: Sequence[int] = (
        await session.scalars(select(TicketMessage.id).where(TicketMessage.ticket_id == ticket.id))
    ).all()
    return HeldTicket(
        number=ticket.id,
        state=ticket.state,
        opened_at=ticket.opened_at,
        resolved_at=ticket.resolved_at,
        language=ticket.language,
        step=ticket.step,
        after_answer=ticket.origin,
        reason=ticket.reason,
        is_helpful=ticket.is_helpful,
        messages=len(messages),
    )


async def _erase(session: AsyncSession, ticket: Ticket, now: datetime) -> None:
    await jobs.cancel_with_prefix(session, timer_key(ticket.id, ""))
    for table in (DeskCall, TicketMessage):
        await session.execute(delete(table).where(table.ticket_id == ticket.id))
    if ticket.topic_id is None:
        await session.delete(ticket)
        return
    ticket.chat_id = _NOBODY
    ticket.state, ticket.assignee = TicketState.RESOLVED, None
    ticket.resolved_at, ticket.reopens_until = ticket.resolved_at or now, None
    session.add(
        DeskCall(
            ticket_id=ticket.id,
            lane=Lane.UPKEEP,
            kind=CallKind.DELETE_TOPIC,
            reference='{"messages": [], "name": "", "values": {}}',
            at=now,
            not_before=now,
        )
    )
