"""The mirror: messages of a ticket, their copies in the other chat, and what becomes of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.calls import CallKind, CallQueue
from services.desk.models import Direction, Lane, MessageState, Ticket, TicketMessage
from services.storage.keys import KeyRing, SecretPurpose

_MAX_TEXT = 2000
"""Characters of a subscriber's text above which it is copied as it is: with what the bot adds, a
message in the topic could become too long."""
RECOPIED = 10
"""Messages that are copied once more into a topic that was deleted."""


@dataclass(frozen=True)
class MirroredMessage:
    """A message to be mirrored.

    :ivar html: its text as Telegram HTML; `None` for media, which are copied as they are.
    :ivar reply_to: the message that it replies to, in the same chat.
    """

    message_id: int
    author: int
    text: str
    html: str | None
    reply_to: int | None = None


class MessageMirror:
    """Mirrors messages between the private chat and the topic.

    :param keys: hash texts, so that a change is recognised.
    """

    def __init__(self, calls: CallQueue, keys: KeyRing) -> None:
        self._calls = calls
        self._keys = keys

    async def is_known(
        self, session: AsyncSession, ticket: Ticket, direction: Direction, message_id: int
    ) -> bool:
        """Whether a message is mirrored already, since its update comes again."""
        return await self._find_source(session, ticket.id, direction, message_id) is not None

    async def send(
        self,
        session: AsyncSession,
        ticket: Ticket,
        direction: Direction,
        message: MirroredMessage,
        now: datetime,
    ) -> None:
        """Have a message sent to the other side."""
        row = await self._add(session, ticket, direction, message, now)
        if ticket.topic_id is None:
            await self._calls.let_appear(session, ticket.id)
        await self._queue(session, ticket, row, message, now)

    async def hold(
        self, session: AsyncSession, ticket: Ticket, message: MirroredMessage, now: datetime
    ) -> int:
        """Keep a message for the subscriber back, and return the id under which it is kept."""
        row = await self._add(session, ticket, Direction.TO_SUBSCRIBER, message, now)
        row.state = MessageState.HELD
        return row.id

    async def release(
        self, session: AsyncSession, ticket: Ticket, row_id: int, now: datetime
    ) -> bool:
        """Have a message that was kept back copied to the subscriber; `False` if it was not."""
        row = await session.get(TicketMessage, row_id)
        if row is None or row.ticket_id != ticket.id or row.state != MessageState.HELD:
            return False
        row.state = MessageState.QUEUED
        kind = CallKind.COPY
        await self._calls.add(session, ticket.id, Lane.PRIVATE, kind, now, messages=[row.id])
        return True

    async def change(
        self,
        session: AsyncSession,
        ticket: Ticket,
        direction: Direction,
        message: MirroredMessage,
        now: datetime,
    ) -> bool:
        """Mirror the change of a message; `False` where it is not mirrored or did not change."""
        row = await self._find_source(session, ticket.id, direction, message.message_id)
        digest = self._digest(ticket.id, message)
        if row is None or row.digest == digest or row.state == MessageState.REMOVED:
            return False
        row.digest = digest
        if row.state == MessageState.HELD or message.html is None:
            return False
        replace = self._calls.replace_text
        is_waiting = row.state == MessageState.QUEUED
        if is_waiting and await replace(session, ticket.id, row.id, message.html):
            return True
        lane = Lane.GROUP if direction is Direction.TO_STAFF else Lane.PRIVATE
        texts, kind = [message.html], CallKind.EDIT
        await self._calls.add(session, ticket.id, lane, kind, now, messages=[row.id], texts=texts)
        return True

    async def remove(
        self,
        session: AsyncSession,
        ticket: Ticket,
        direction: Direction,
        message_id: int,
        now: datetime,
    ) -> bool:
        """Have the copy of a message deleted; `False` where it is not mirrored."""
        row = await self._find_source(session, ticket.id, direction, message_id)
        if row is None or row.state == MessageState.REMOVED:
            return False
        is_under_way = row.state == MessageState.DELIVERED or (
            row.state == MessageState.QUEUED
            and not await self._calls.replace_text(session, ticket.id, row.id, None)
        )
        row.state = MessageState.REMOVED
        if is_under_way:
            lane = Lane.GROUP if direction is Direction.TO_STAFF else Lane.PRIVATE
            kind = CallKind.DELETE
            await self._calls.add(session, ticket.id, lane, kind, now, messages=[row.id])
        return True

    async def find_last_answer(
        self, session: AsyncSession, ticket: Ticket, author: int
    ) -> int | None:
        """Return the id of the latest answer of an agent, in the group."""
        is_theirs = (
            TicketMessage.ticket_id == ticket.id,
            TicketMessage.direction == Direction.TO_SUBSCRIBER,
            TicketMessage.author == author,
            TicketMessage.state.in_((MessageState.QUEUED, MessageState.DELIVERED)),
        )
        query = select(func.max(TicketMessage.source_message_id)).where(*is_theirs)
        return (await session.execute(query)).scalar()

    async def is_author(
        self, session: AsyncSession, ticket: Ticket, message_id: int, author: int
    ) -> bool:
        """Whether an answer, by its id in the group, is of an agent."""
        row = await self._find_source(session, ticket.id, Direction.TO_SUBSCRIBER, message_id)
        return row is not None and row.author == author

    async def load(self, session: AsyncSession, ids: Sequence[int]) -> list[TicketMessage]:
        """Return messages by their ids, those that are still there."""
        rows = [await session.get(TicketMessage, each, populate_existing=True) for each in ids]
        return [row for row in rows if row is not None]

    async def note_delivery(
        self, session: AsyncSession, ids: Sequence[int], copy_id: int, now: datetime
    ) -> None:
        """Note where the copy of messages is."""
        values = {"copy_message_id": copy_id, "delivered_at": now}
        delivered = update(TicketMessage).where(TicketMessage.id.in_(ids))
        await session.execute(delivered.values(**values))
        is_queued = TicketMessage.state == MessageState.QUEUED
        await session.execute(delivered.where(is_queued).values(state=MessageState.DELIVERED))

    async def find_counterpart(
        self, session: AsyncSession, ticket_id: int, message_id: int, *, in_group: bool
    ) -> int | None:
        """Return the message in the other chat that corresponds to one, for quotes."""
        theirs, ours = Direction.TO_STAFF, Direction.TO_SUBSCRIBER
        by_source = ours if in_group else theirs
        for direction, known, wanted in (
            (by_source, TicketMessage.source_message_id, TicketMessage.copy_message_id),
            (
                theirs if in_group else ours,
                TicketMessage.copy_message_id,
                TicketMessage.source_message_id,
            ),
        ):
            is_it = (TicketMessage.ticket_id == ticket_id, TicketMessage.direction == direction)
            query = select(wanted).where(*is_it, known == message_id)
            found = (await session.execute(query.order_by(TicketMessage.id.desc()))).scalars()
            counterpart = found.first()
            if counterpart is not None:
                return counterpart
        return None

    async def is_newest_alone(self, session: AsyncSession, row: TicketMessage) -> bool:
        """Whether a message was the last of its side and has its copy to itself."""
        is_like_it = (
            TicketMessage.ticket_id == row.ticket_id,
            TicketMessage.direction == row.direction,
        )
        later = select(TicketMessage.id).where(*is_like_it, TicketMessage.id > row.id)
        shared = select(TicketMessage.id).where(
            *is_like_it,
            TicketMessage.copy_message_id == row.copy_message_id,
            TicketMessage.id != row.id,
        )
        found = await session.execute(later.union(shared).limit(1))
        return found.first() is None

    async def copy_anew(self, session: AsyncSession, ticket: Ticket, now: datetime) -> None:
        """Have the last messages copied once more, before everything that waits."""
        is_delivered = (
            TicketMessage.ticket_id == ticket.id,
            TicketMessage.state == MessageState.DELIVERED,
        )
        query = select(TicketMessage).where(*is_delivered).order_by(TicketMessage.id.desc())
        rows = (await session.scalars(query.limit(RECOPIED))).all()
        if not rows:
            return
        values: dict[str, str | int] = {"anew": 1}
        for row in reversed(rows):
            await self._calls.add(
                session,
                ticket.id,
                Lane.GROUP,
                CallKind.COPY,
                now,
                messages=[row.id],
                values=values,
                is_first=True,
            )

    async def _add(
        self,
        session: AsyncSession,
        ticket: Ticket,
        direction: Direction,
        message: MirroredMessage,
        now: datetime,
    ) -> TicketMessage:
        row = TicketMessage(
            ticket_id=ticket.id,
            direction=direction,
            source_message_id=message.message_id,
            author=message.author,
            state=MessageState.QUEUED,
            digest=self._digest(ticket.id, message),
            at=now,
        )
        session.add(row)
        await session.flush()
        return row

    async def _queue(
        self,
        session: AsyncSession,
        ticket: Ticket,
        row: TicketMessage,
        message: MirroredMessage,
        now: datetime,
    ) -> None:
        is_to_staff = row.direction == Direction.TO_STAFF
        lane = Lane.GROUP if is_to_staff else Lane.PRIVATE
        values = {"reply_to": message.reply_to} if message.reply_to is not None else {}
        add = self._calls.add
        is_long = is_to_staff and len(message.text) > _MAX_TEXT
        if message.html is None or is_long:
            kind = CallKind.COPY
            await add(session, ticket.id, lane, kind, now, messages=[row.id], values=values)
            return
        if is_to_staff and not values:
            join = self._calls.join_text
            if await join(session, ticket.id, row.id, message.html, now):
                return
        await add(
            session,
            ticket.id,
            lane,
            CallKind.TEXT,
            now,
            messages=[row.id],
            values=values,
            texts=[message.html],
        )

    async def _find_source(
        self, session: AsyncSession, ticket_id: int, direction: Direction, message_id: int
    ) -> TicketMessage | None:
        is_it = (
            TicketMessage.ticket_id == ticket_id,
            TicketMessage.direction == direction,
            TicketMessage.source_message_id == message_id,
        )
        return (await session.scalars(select(TicketMessage).where(*is_it))).first()

    def _digest(self, ticket_id: int, message: MirroredMessage) -> bytes:
        parts = ("ticket message", str(ticket_id), str(message.message_id), message.text)
        return self._keys.keyed_hash(SecretPurpose.LOOKUP, *parts)
