"""The mirror: messages of a ticket, their copies in the other chat, and what becomes of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.call_types import CallKind, MediaFile
from services.desk.calls import ALBUM_SETTLES, CallQueue
from services.desk.models import Direction, Lane, MessageState, Ticket, TicketMessage
from services.storage.keys import KeyRing, SecretPurpose

_MAX_TEXT = 2000
"""Characters of a subscriber's text above which it is copied as it is: with what the bot adds, a
message in the topic could become too long."""
CAPTION = "caption"
"""The value of a call that changes a caption instead of a text."""
ANEW = "anew"
"""The value of a call that copies a message once more, into a topic made in place of another."""
RECOPIED = 10
"""Messages that are copied once more into a topic that was deleted."""


@dataclass(frozen=True)
class MirroredMessage:
    """A message to be mirrored.

    :ivar html: its text as Telegram HTML; `None` for media, which are copied as they are.
    :ivar reply_to: the message that it replies to, in the same chat.
    :ivar caption: of media, as Telegram HTML.
    :ivar album: id of its album, or empty.
    :ivar file: of media that are sent hidden instead of copied.
    """

    message_id: int
    author: int
    text: str
    html: str | None
    reply_to: int | None = None
    caption: str = ""
    album: str = ""
    file: MediaFile | None = None


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
        return await self.find_source(session, ticket.id, direction, message_id) is not None

    async def send(
        self,
        session: AsyncSession,
        ticket: Ticket,
        direction: Direction,
        message: MirroredMessage,
        now: datetime,
    ) -> None:
        """Have a message sent to the other side."""
        row = await self.add(session, ticket, direction, message, now)
        if ticket.topic_id is None:
            await self._calls.let_appear(session, ticket.id)
        await self._queue(session, ticket, row, message, now)

    async def change(
        self,
        session: AsyncSession,
        ticket: Ticket,
        direction: Direction,
        message: MirroredMessage,
        now: datetime,
    ) -> bool:
        """Mirror the change of a message; `False` where it is not mirrored or did not change."""
        row = await self.find_source(session, ticket.id, direction, message.message_id)
        digest = self._digest(ticket.id, message)
        if row is None or row.digest == digest or row.state == MessageState.REMOVED:
            return False
        row.digest = digest
        is_caption = message.html is None
        html = message.caption if message.html is None else message.html
        replace = self._calls.replace_text
        is_waiting = row.state in (MessageState.QUEUED, MessageState.HELD)
        if is_waiting and await replace(session, ticket.id, row.id, html):
            return True
        if row.state in (MessageState.HELD, MessageState.ASKED):
            return False
        lane = Lane.GROUP if direction is Direction.TO_STAFF else Lane.PRIVATE
        await self._calls.add(
            session,
            ticket.id,
            lane,
            CallKind.EDIT,
            now,
            messages=[row.id],
            values={CAPTION: 1} if is_caption else {},
            texts=[html],
        )
        return True

    async def remove(
        self,
        session: AsyncSession,
        ticket: Ticket,
        direction: Direction,
        message_id: int,
        now: datetime,
        *,
        with_album: bool = False,
    ) -> bool:
        """Have the copy of a message deleted; `False` where it is not mirrored.

        :param with_album: whether those of the other messages of its album go, too.
        """
        row = await self.find_source(session, ticket.id, direction, message_id)
        if row is None or row.state == MessageState.REMOVED:
            return False
        album = await self.list_album(session, row) if with_album else ()
        sent: list[int] = []
        for part in album or [row]:
            is_sent = part.state in (MessageState.DELIVERED, MessageState.QUEUED)
            if part.state != MessageState.DELIVERED:
                dropped = await self._calls.replace_text(session, ticket.id, part.id, None)
                is_sent = is_sent and not dropped
            if is_sent:
                sent.append(part.id)
            part.state = MessageState.REMOVED
        if sent:
            lane = Lane.GROUP if direction is Direction.TO_STAFF else Lane.PRIVATE
            await self._calls.add(session, ticket.id, lane, CallKind.DELETE, now, messages=sent)
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
        query = select(TicketMessage.source_message_id).where(*is_theirs)
        return (await session.execute(query.order_by(TicketMessage.id.desc()))).scalars().first()

    async def is_author(
        self, session: AsyncSession, ticket: Ticket, message_id: int, author: int
    ) -> bool:
        """Whether an answer, by its id in the group, is of an agent."""
        row = await self.find_source(session, ticket.id, Direction.TO_SUBSCRIBER, message_id)
        return row is not None and row.author == author

    async def load(self, session: AsyncSession, ids: Sequence[int]) -> list[TicketMessage]:
        """Return messages by their ids, those that are still there."""
        rows = [await session.get(TicketMessage, each, populate_existing=True) for each in ids]
        return [row for row in rows if row is not None]

    async def note_delivery(
        self, session: AsyncSession, copies: Mapping[int, int | None], now: datetime
    ) -> None:
        """Note where the copies of messages are.

        :param copies: the id of each copy by the id of its message; `None` where not known.
        """
        for row in await self.load(session, list(copies)):
            row.copy_message_id, row.delivered_at = copies[row.id], now
            if row.state == MessageState.QUEUED:
                row.state = MessageState.DELIVERED

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
            query = select(wanted).where(*is_it, known == message_id, wanted > 0)
            found = (await session.execute(query.order_by(TicketMessage.id.desc()))).scalars()
            counterpart = found.first()
            if counterpart is not None:
                return counterpart
        return None

    async def is_newest_alone(self, session: AsyncSession, row: TicketMessage) -> bool:
        """Whether a message or its album was the last of its side, with a copy to itself."""
        is_like_it = (
            TicketMessage.ticket_id == row.ticket_id,
            TicketMessage.direction == row.direction,
        )
        is_later = TicketMessage.id > row.id
        if row.album:
            is_later &= TicketMessage.album.is_distinct_from(row.album)
        later = select(TicketMessage.id).where(*is_like_it, is_later)
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
            TicketMessage.copy_message_id.is_not(None),
        )
        query = select(TicketMessage).where(*is_delivered).order_by(TicketMessage.id.desc())
        rows = (await session.scalars(query.limit(RECOPIED))).all()
        if not rows:
            return
        values: dict[str, str | int] = {ANEW: 1}
        together = groupby(reversed(rows), key=lambda row: row.album or row.id)
        for ids in ([row.id for row in group] for _, group in together):
            await self._calls.add(
                session,
                ticket.id,
                Lane.GROUP,
                CallKind.COPY,
                now,
                messages=ids,
                values=values,
                is_first=True,
            )

    async def add(
        self,
        session: AsyncSession,
        ticket: Ticket,
        direction: Direction,
        message: MirroredMessage,
        now: datetime,
    ) -> TicketMessage:
        """Note a message, without having it sent."""
        row = TicketMessage(
            ticket_id=ticket.id,
            direction=direction,
            source_message_id=message.message_id,
            album=message.album or None,
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
        if message.html is None:
            await self.queue_media(session, ticket, row, message, lane, now)
            return
        add = self._calls.add
        if is_to_staff and len(message.text) > _MAX_TEXT:
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

    async def queue_media(
        self,
        session: AsyncSession,
        ticket: Ticket,
        row: TicketMessage,
        message: MirroredMessage,
        lane: Lane,
        now: datetime,
    ) -> bool:
        """Queue something that is no text; return whether it joined its album."""
        file = message.file.to_text() if message.file else ""
        values: dict[str, str | int] = {}
        if message.album:
            join, album = self._calls.join_album, message.album
            if await join(session, ticket.id, lane, album, row.id, file, now):
                return True
            values["album"] = album
        if message.reply_to is not None:
            values["reply_to"] = message.reply_to
        await self._calls.add(
            session,
            ticket.id,
            lane,
            CallKind.MEDIA if file else CallKind.COPY,
            now,
            messages=[row.id],
            values=values,
            texts=[file] if file else (),
            not_before=now + ALBUM_SETTLES if message.album else None,
        )
        return False

    async def list_album(
        self, session: AsyncSession, row: TicketMessage
    ) -> Sequence[TicketMessage]:
        """Return the messages of the album that a message belongs to; none without one."""
        return await self.find_album(session, row.ticket_id, row.direction, row.album or "")

    async def find_album(
        self, session: AsyncSession, ticket_id: int, direction: str, album: str
    ) -> Sequence[TicketMessage]:
        """Return the messages of an album; none without one."""
        if not album:
            return ()
        is_in_album = (
            TicketMessage.ticket_id == ticket_id,
            TicketMessage.direction == direction,
            TicketMessage.album == album,
        )
        query = select(TicketMessage).where(*is_in_album).order_by(TicketMessage.id)
        return (await session.scalars(query)).all()

    async def find_source(
        self, session: AsyncSession, ticket_id: int, direction: Direction, message_id: int
    ) -> TicketMessage | None:
        """Return a message by its id in the chat that it was written in."""
        is_it = (
            TicketMessage.ticket_id == ticket_id,
            TicketMessage.direction == direction,
            TicketMessage.source_message_id == message_id,
        )
        return (await session.scalars(select(TicketMessage).where(*is_it))).first()

    def _digest(self, ticket_id: int, message: MirroredMessage) -> bytes:
        parts = ("ticket message", str(ticket_id), str(message.message_id), message.text)
        return self._keys.keyed_hash(SecretPurpose.LOOKUP, *parts)
