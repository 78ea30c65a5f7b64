"""Tickets: opened, found, and moved from state to state with what follows from it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services import jobs
from services.calendar import TAIPEI
from services.desk import staff
from services.desk.call_types import CallKind
from services.desk.calls import CallQueue
from services.desk.hours import BusinessHours
from services.desk.models import DeskCall, Lane, Ticket, TicketMessage
from services.desk.ticket_states import (
    Reason,
    Relation,
    StaffActor,
    TicketEvent,
    TicketRefusedError,
    TicketState,
    state_after,
)
from services.storage.database import lock_row
from services.storage.models import Job

SILENCE = timedelta(minutes=30)
"""Business time after which a ticket whose assignee does not answer waits again."""
REOPENED_WITHIN = timedelta(days=7)
"""How long after its end a message of the subscriber goes on with a ticket."""
EXPIRES_AFTER = timedelta(days=14)
"""Time without a message after which a ticket ends by itself."""
APPEARS_AFTER = timedelta(seconds=30)
"""How long the staff are not bothered with a ticket in which nothing is written yet."""
MUTED_FOR = timedelta(days=1)
TIMER_KIND = "ticket"
"""Kind of the jobs that move a ticket when its time has come."""
PURGE_KIND = "ticket_purge"
_TIMERS: Mapping[TicketEvent, str] = {
    TicketEvent.FELL_SILENT: "silence",
    TicketEvent.WOKEN: "snooze",
    TicketEvent.EXPIRED: "expiry",
}
_PURGE = "purge"
_NOTICES: Mapping[TicketEvent, tuple[str, str]] = {
    TicketEvent.WITHDRAWN: ("", "withdrawn"),
    TicketEvent.TAKEN: ("taken", ""),
    TicketEvent.TAKEN_OVER: ("taken", "taken_over"),
    TicketEvent.RELEASED: ("waits_again", ""),
    TicketEvent.FELL_SILENT: ("waits_again", "fell_silent"),
    TicketEvent.WOKEN: ("", "woken"),
    TicketEvent.RESOLVED: ("resolved", "resolved"),
    TicketEvent.REOPENED: ("reopened", ""),
    TicketEvent.EXPIRED: ("expired", "expired"),
}
"""What subscriber and staff are told of an event."""


@dataclass(frozen=True)
class Origin:
    """Where somebody was when they asked for a person.

    :ivar answer: id of the answer before, or empty.
    :ivar step: the step they were at, as ``conversation/step``, or empty.
    """

    answer: str = ""
    step: str = ""
    is_lost_card: bool = False


class TicketStore:
    """The tickets.

    :param retention: how long a ticket is kept after its end.
    """

    def __init__(self, calls: CallQueue, hours: BusinessHours, retention: timedelta) -> None:
        self._calls = calls
        self._hours = hours
        self._retention = retention

    async def open(
        self, session: AsyncSession, chat_id: int, language: str, origin: Origin, now: datetime
    ) -> Ticket:
        """Open a ticket; an open or fresh one of the subscriber is gone on with."""
        ticket = await self.find_latest(session, chat_id)
        if ticket is not None and is_continued(ticket, now):
            if ticket.state == TicketState.RESOLVED:
                await self.move(session, ticket, TicketEvent.WROTE, Relation.SUBSCRIBER, now)
            ticket.is_lost_card |= origin.is_lost_card
            return ticket
        moments = {"opened_at": now, "waits_since": now, "active_at": now}
        ticket = Ticket(
            chat_id=chat_id,
            language=language,
            state=TicketState.WAITING,
            origin=origin.answer,
            step=origin.step,
            is_lost_card=origin.is_lost_card,
            **moments,
        )
        session.add(ticket)
        await session.flush()
        await self._set_timer(session, ticket, TicketEvent.EXPIRED, now + EXPIRES_AFTER)
        appears_at = now + APPEARS_AFTER
        add = self._calls.add
        await add(session, ticket.id, Lane.GROUP, CallKind.APPEAR, now, not_before=appears_at)
        return ticket

    async def find_latest(self, session: AsyncSession, chat_id: int) -> Ticket | None:
        """Return the latest ticket of a subscriber, locked for this unit of work."""
        query = select(Ticket.id).where(Ticket.chat_id == chat_id).order_by(Ticket.id.desc())
        found = (await session.execute(query.limit(1))).scalar()
        return None if found is None else await self.find(session, found)

    async def find(self, session: AsyncSession, ticket_id: int) -> Ticket | None:
        """Return a ticket, locked for this unit of work."""
        return await lock_row(session, Ticket, ticket_id)

    async def find_by_topic(self, session: AsyncSession, topic_id: int) -> Ticket | None:
        """Return the ticket of a topic, locked for this unit of work."""
        query = select(Ticket.id).where(Ticket.topic_id == topic_id)
        found = (await session.execute(query)).scalar()
        return None if found is None else await self.find(session, found)

    async def list_chats(self, session: AsyncSession) -> set[int]:
        """Return the chats that have a ticket, also one that has ended."""
        return set(await session.scalars(select(Ticket.chat_id).distinct()))

    async def has_open(self, session: AsyncSession) -> bool:
        """Whether any ticket is open."""
        is_open = Ticket.state != TicketState.RESOLVED
        return (
            await session.execute(select(Ticket.id).where(is_open).limit(1))
        ).first() is not None

    async def count_ahead(self, session: AsyncSession, ticket: Ticket) -> int:
        """Return how many tickets are taken before a waiting one."""
        is_ahead = Ticket.waits_since < ticket.waits_since
        if ticket.is_lost_card:
            is_ahead &= Ticket.is_lost_card
        else:
            is_ahead |= Ticket.is_lost_card
        waiting = (Ticket.state == TicketState.WAITING, Ticket.id != ticket.id, is_ahead)
        count = await session.execute(select(func.count()).select_from(Ticket).where(*waiting))
        return count.scalar_one()

    async def move(
        self,
        session: AsyncSession,
        ticket: Ticket,
        event: TicketEvent,
        by: StaffActor | Relation,
        now: datetime,
        *,
        is_topic_moved: bool = False,
    ) -> None:
        """Move a ticket, and have everybody told.

        :param is_topic_moved: whether the topic was closed or reopened by hand already.
        :raises TicketRefusedError: where the event is not possible.
        :raises NotAllowedError: where they may not cause it.
        """
        before, assignee = TicketState(ticket.state), ticket.assignee
        after = state_after(before, event, by, assignee)
        is_theirs = isinstance(by, StaffActor) and by.user_id == assignee
        if event is TicketEvent.TAKEN_OVER and is_theirs:
            raise TicketRefusedError(before)
        ticket.state = after
        if isinstance(by, StaffActor):
            if event in (TicketEvent.TAKEN, TicketEvent.TAKEN_OVER):
                ticket.assignee = by.user_id
            staff.record_act(session, by.user_id, event, now, ticket.id)
        if after is TicketState.WAITING and before is not TicketState.WAITING:
            ticket.assignee, ticket.waits_since = None, now
        if event in (TicketEvent.WROTE, TicketEvent.ANSWERED):
            ticket.active_at = now
        if event is TicketEvent.ANSWERED:
            ticket.first_answered_at = ticket.first_answered_at or now
        if before is TicketState.RESOLVED:
            ticket.reason = ticket.is_helpful = None
        if ticket.assignee != assignee:
            ticket.told = ""
        if event in (TicketEvent.RESOLVED, TicketEvent.EXPIRED):
            ticket.reopens_until = now + REOPENED_WITHIN
        await self._tell(session, ticket, event, assignee, now)
        await self._follow_in_topic(session, ticket, before, assignee, now, is_topic_moved)
        await self._set_timers(session, ticket, before, assignee, now)

    async def set_reason(
        self,
        session: AsyncSession,
        ticket: Ticket,
        reason: Reason,
        by: StaffActor,
        now: datetime,
    ) -> None:
        """Note what a resolved ticket was about.

        :raises TicketRefusedError: where it is not resolved.
        """
        if ticket.state != TicketState.RESOLVED:
            raise TicketRefusedError(TicketState(ticket.state))
        ticket.reason = reason
        staff.record_act(session, by.user_id, "reason", now, ticket.id, reason)
        if ticket.topic_id is not None:
            await self._calls.add_once(session, ticket.id, CallKind.CARD, now)

    async def rate(
        self, session: AsyncSession, ticket_id: int, chat_id: int, *, is_helpful: bool
    ) -> bool:
        """Note what the subscriber says of a resolved ticket; `False` where they did before."""
        ticket = await self.find(session, ticket_id)
        if ticket is None or ticket.chat_id != chat_id or ticket.is_helpful is not None:
            return False
        if ticket.state != TicketState.RESOLVED:
            return False
        ticket.is_helpful = is_helpful
        return True

    async def snooze(
        self, session: AsyncSession, ticket: Ticket, by: StaffActor, until: datetime, now: datetime
    ) -> None:
        """Put a ticket aside until a certain time.

        :raises TicketRefusedError: where that is not possible.
        :raises NotAllowedError: where they may not.
        """
        await self.move(session, ticket, TicketEvent.SNOOZED, by, now)
        await self._set_timer(session, ticket, TicketEvent.WOKEN, until)

    def next_day(self, now: datetime) -> datetime:
        """Return when somebody is there on a later day."""
        tomorrow = now.astimezone(TAIPEI).date() + timedelta(days=1)
        return self._hours.next_opening(datetime.combine(tomorrow, time(), TAIPEI))

    async def run_timer(self, session: AsyncSession, row: Job, now: datetime) -> None:
        """Move a ticket whose time has come; runs as the job of the kind `TIMER_KIND`."""
        reference = json.loads(row.reference)
        ticket = await self.find(session, reference["ticket"])
        event = TicketEvent(reference["event"])
        if ticket is None or (
            event is TicketEvent.EXPIRED and ticket.active_at + EXPIRES_AFTER > now
        ):
            return
        try:
            await self.move(session, ticket, event, Relation.SYSTEM, now)
        except TicketRefusedError:  # it has moved on
            return

    async def run_purge(self, session: AsyncSession, row: Job, now: datetime) -> None:
        """Have the topic of a ticket deleted; runs as the job of the kind `PURGE_KIND`."""
        ticket = await self.find(session, json.loads(row.reference)["ticket"])
        if ticket is None or ticket.state != TicketState.RESOLVED:
            return
        await self._calls.drop(session, ticket.id, *Lane)
        if ticket.topic_id is None:
            await self.delete(session, ticket)
        else:
            await self._calls.add(session, ticket.id, Lane.UPKEEP, CallKind.DELETE_TOPIC, now)

    async def delete(self, session: AsyncSession, ticket: Ticket) -> None:
        """Delete a ticket with everything that belongs to it."""
        await session.flush()
        for table in (DeskCall, TicketMessage):
            await session.execute(delete(table).where(table.ticket_id == ticket.id))
        await jobs.cancel_with_prefix(session, timer_key(ticket.id, ""))
        await session.delete(ticket)

    async def _tell(
        self,
        session: AsyncSession,
        ticket: Ticket,
        event: TicketEvent,
        assignee: int | None,
        now: datetime,
    ) -> None:
        to_subscriber, to_staff = _NOTICES.get(event, ("", ""))
        values: dict[str, str | int] = {}
        if to_subscriber or to_staff:
            values["alias"] = await staff.find_alias(session, ticket.assignee)
            values["before"] = await staff.find_alias(session, assignee)
        add, notice = self._calls.add, CallKind.NOTICE
        if to_subscriber:
            lane = Lane.PRIVATE
            await add(session, ticket.id, lane, notice, now, name=to_subscriber, values=values)
        if to_staff and ticket.topic_id is not None:
            await add(session, ticket.id, Lane.GROUP, notice, now, name=to_staff, values=values)

    async def _follow_in_topic(
        self,
        session: AsyncSession,
        ticket: Ticket,
        before: TicketState,
        assignee: int | None,
        now: datetime,
        is_topic_moved: bool,
    ) -> None:
        """Have the topic show what became of the ticket."""
        has_ended = ticket.state == TicketState.RESOLVED
        if ticket.topic_id is None:
            if has_ended:  # nobody has seen it, so it need not appear
                await self._calls.drop(session, ticket.id, Lane.GROUP, Lane.UPKEEP)
            return
        if (before, assignee) == (ticket.state, ticket.assignee):
            return
        await self._calls.add_once(session, ticket.id, CallKind.CARD, now)
        if has_ended != (before is TicketState.RESOLVED) and not is_topic_moved:
            kind = CallKind.CLOSE if has_ended else CallKind.REOPEN
            await self._calls.add(session, ticket.id, Lane.UPKEEP, kind, now)

    async def _set_timers(
        self,
        session: AsyncSession,
        ticket: Ticket,
        before: TicketState,
        assignee: int | None,
        now: datetime,
    ) -> None:
        if ticket.state != TicketState.SNOOZED:
            await self._cancel_timer(session, ticket, TicketEvent.WOKEN)
        if ticket.state != TicketState.TAKEN:
            await self._cancel_timer(session, ticket, TicketEvent.FELL_SILENT)
        elif (before, assignee) != (ticket.state, ticket.assignee):
            silent_at = self._hours.add(now, SILENCE)
            await self._set_timer(session, ticket, TicketEvent.FELL_SILENT, silent_at)
        if ticket.state == TicketState.RESOLVED:
            await self._cancel_timer(session, ticket, TicketEvent.EXPIRED)
            if ticket.resolved_at is None:
                ticket.resolved_at = now
                reference = json.dumps({"ticket": ticket.id})
                key = timer_key(ticket.id, _PURGE)
                await jobs.schedule(session, PURGE_KIND, key, now + self._retention, reference)
            return
        if ticket.resolved_at is not None:
            ticket.resolved_at = ticket.reopens_until = None
            await jobs.cancel(session, timer_key(ticket.id, _PURGE))
        expires_at = max(ticket.active_at, now) + EXPIRES_AFTER
        await self._set_timer(session, ticket, TicketEvent.EXPIRED, expires_at)

    async def _set_timer(
        self, session: AsyncSession, ticket: Ticket, event: TicketEvent, at: datetime
    ) -> None:
        key = timer_key(ticket.id, _TIMERS[event])
        reference = json.dumps({"ticket": ticket.id, "event": event})
        await jobs.schedule(session, TIMER_KIND, key, at, reference)

    async def _cancel_timer(
        self, session: AsyncSession, ticket: Ticket, event: TicketEvent
    ) -> None:
        await jobs.cancel(session, timer_key(ticket.id, _TIMERS[event]))


def is_continued(ticket: Ticket, now: datetime) -> bool:
    """Whether a message of the subscriber belongs to a ticket: it is open, or ended lately."""
    if ticket.resolved_at is None:
        return True
    return ticket.reopens_until is not None and ticket.reopens_until > now


def is_muted(ticket: Ticket, now: datetime) -> bool:
    """Whether the staff want no messages of the subscriber for now."""
    return ticket.muted_until is not None and ticket.muted_until > now


def timer_key(ticket_id: int, name: str) -> str:
    """Return the key of a job of a ticket; without a name, what all of them begin with."""
    return f"{TIMER_KIND}/{ticket_id}/{name}"
