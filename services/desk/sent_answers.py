"""Answers of the library on their way to the subscriber, and the messages that show them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.call_types import CallKind, Values
from services.desk.calls import CallQueue
from services.desk.models import Direction, Lane, MessageState, Ticket, TicketMessage


@dataclass(frozen=True)
class PreparedAnswer:
    """An answer of the library, ready to be sent.

    :ivar prompt: the message in the topic with the button or the code that sends it.
    :ivar reply_to: the message in the topic that it answers.
    :ivar html: the words for the subscriber.
    :ivar values: what the buttons below it depend on.
    """

    id: str
    author: int
    prompt: int
    reply_to: int | None
    html: str
    values: Values


class AnswerSender:
    """Queues answers of the library."""

    def __init__(self, calls: CallQueue) -> None:
        self._calls = calls

    async def send(
        self, session: AsyncSession, ticket: Ticket, answer: PreparedAnswer, now: datetime
    ) -> None:
        """Have an answer sent to the subscriber."""
        ours = TicketMessage.ticket_id == ticket.id
        lowest = await session.execute(
            select(func.min(TicketMessage.source_message_id)).where(ours)
        )
        row = TicketMessage(
            ticket_id=ticket.id,
            direction=Direction.TO_SUBSCRIBER,
            source_message_id=min(lowest.scalar() or 0, 0) - 1,
            author=answer.author,
            state=MessageState.QUEUED,
            digest=b"",
            answer=answer.id,
            prompt_message_id=answer.prompt,
            at=now,
        )
        session.add(row)
        await session.flush()
        quoted: Values = {} if answer.reply_to is None else {"reply_to": answer.reply_to}
        await self._calls.add(
            session,
            ticket.id,
            Lane.PRIVATE,
            CallKind.TEXT,
            now,
            messages=[row.id],
            name=answer.id,
            values={**answer.values, **quoted},
            texts=[answer.html],
        )

    async def is_sent(
        self, session: AsyncSession, ticket: Ticket, prompt: int, answer_id: str
    ) -> bool:
        """Whether an answer was sent from a message in the topic, and not removed again."""
        is_it = (
            TicketMessage.ticket_id == ticket.id,
            TicketMessage.prompt_message_id == prompt,
            TicketMessage.answer == answer_id,
            TicketMessage.state != MessageState.REMOVED,
        )
        return (await session.execute(select(TicketMessage.id).where(*is_it))).first() is not None

    async def find_latest(
        self, session: AsyncSession, ticket: Ticket, prompt: int
    ) -> TicketMessage | None:
        """Return the latest answer that was sent from a message in the topic."""
        is_it = (TicketMessage.ticket_id == ticket.id, TicketMessage.prompt_message_id == prompt)
        query = select(TicketMessage).where(*is_it).order_by(TicketMessage.id.desc())
        return (await session.scalars(query.limit(1))).first()

    async def show(
        self,
        session: AsyncSession,
        row: TicketMessage,
        html: str,
        alias: str,
        now: datetime,
    ) -> None:
        """Have an answer that was delivered shown in the topic."""
        values: Values = {"alias": alias, "message": row.topic_message_id}
        lane, kind = Lane.GROUP, CallKind.SENT
        await self._calls.add(
            session, row.ticket_id, lane, kind, now, messages=[row.id], values=values, texts=[html]
        )

    async def note_shown(self, session: AsyncSession, row_id: int, message_id: int) -> None:
        """Note which message shows an answer in the topic."""
        shown = update(TicketMessage).where(TicketMessage.id == row_id)
        await session.execute(shown.values(source_message_id=message_id))
