"""Messages that are held back: answers until an editor agrees, pictures until their sender does."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.call_types import CallKind
from services.desk.calls import CallQueue
from services.desk.mirror import MessageMirror, MirroredMessage
from services.desk.models import Direction, Lane, MessageState, Ticket, TicketMessage

ANSWERS_HELD = frozenset({MessageState.HELD, MessageState.ASKED})
"""States of answers that somebody has to agree to."""


class HeldMessages:
    """The messages that are held back."""

    def __init__(self, calls: CallQueue, mirror: MessageMirror) -> None:
        self._calls = calls
        self._mirror = mirror

    async def hold(
        self,
        session: AsyncSession,
        ticket: Ticket,
        message: MirroredMessage,
        now: datetime,
        state: MessageState = MessageState.HELD,
    ) -> int:
        """Keep a message for the subscriber back, with what waits of its album.

        :param state: who has to agree.
        :returns: the id under which it is kept.
        """
        for part in await self._find_album(session, ticket, message.album):
            is_waiting = part.state == MessageState.QUEUED
            if is_waiting and await self._calls.replace_text(session, ticket.id, part.id, None):
                part.state = state
        row = await self._mirror.add(session, ticket, Direction.TO_SUBSCRIBER, message, now)
        row.state = state
        return row.id

    async def is_album_held(self, session: AsyncSession, ticket: Ticket, album: str) -> bool:
        """Whether a part of an album for the subscriber is kept back."""
        parts = await self._find_album(session, ticket, album)
        return any(part.state in ANSWERS_HELD for part in parts)

    async def find_held(self, session: AsyncSession, ticket: Ticket, message_id: int) -> int | None:
        """Return the id under which a message for the subscriber is kept back, if it is."""
        row = await self._mirror.find_source(
            session, ticket.id, Direction.TO_SUBSCRIBER, message_id
        )
        return row.id if row is not None and row.state in ANSWERS_HELD else None

    async def release(
        self,
        session: AsyncSession,
        ticket: Ticket,
        row_id: int,
        now: datetime,
        states: Collection[str] = ANSWERS_HELD,
    ) -> bool:
        """Have a message that was kept back copied to the subscriber, with its album.

        :param states: in which it may be.
        :returns: `False` if it was not kept back.
        """
        row = await session.get(TicketMessage, row_id)
        if row is None or row.ticket_id != ticket.id or row.state not in states:
            return False
        album = await self._mirror.list_album(session, row)
        parts = [part for part in album if part.state in states] or [row]
        for part in parts:
            part.state = MessageState.QUEUED
        kind, ids = CallKind.COPY, [part.id for part in parts]
        await self._calls.add(session, ticket.id, Lane.PRIVATE, kind, now, messages=ids)
        return True

    async def ask_first(
        self, session: AsyncSession, ticket: Ticket, message: MirroredMessage, now: datetime
    ) -> bool:
        """Keep a picture of the subscriber back until they say that it shows nothing secret.

        :returns: whether they have to be asked; once for an album.
        """
        row = await self._mirror.add(session, ticket, Direction.TO_STAFF, message, now)
        row.state = MessageState.HELD
        return not await self._mirror.queue_media(session, ticket, row, message, Lane.HELD, now)

    async def pass_on(
        self, session: AsyncSession, ticket: Ticket, message_id: int, now: datetime
    ) -> bool:
        """Have a picture sent to the staff, with its album; `False` if it was not held."""
        row = await self._mirror.find_source(session, ticket.id, Direction.TO_STAFF, message_id)
        ids = await self._calls.let_go(session, ticket.id, row.id, now) if row else ()
        for part in await self._mirror.load(session, ids):
            part.state = MessageState.QUEUED
        if ids and ticket.topic_id is None:
            await self._calls.let_appear(session, ticket.id)
        return bool(ids)

    async def drop(self, session: AsyncSession, ticket: Ticket, message_id: int) -> Sequence[int]:
        """Forget a picture that was held, with its album; return their ids in the chat."""
        row = await self._mirror.find_source(session, ticket.id, Direction.TO_STAFF, message_id)
        if row is None:
            return ()
        held = await self._calls.list_held_together(session, ticket.id, row.id)
        parts = await self._mirror.load(session, held)
        for part in parts:
            await self._calls.replace_text(session, ticket.id, part.id, None)
            part.state = MessageState.REMOVED
        return [part.source_message_id for part in parts]

    async def _find_album(
        self, session: AsyncSession, ticket: Ticket, album: str
    ) -> Sequence[TicketMessage]:
        find, to_subscriber = self._mirror.find_album, Direction.TO_SUBSCRIBER
        return await find(session, ticket.id, to_subscriber, album)
