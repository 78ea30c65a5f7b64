"""What an operator sees of messages that could not be sent, and does about them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.messaging import outbox
from services.messaging.outbox import Channel, OutboxMessage


class UnknownMessageError(Exception):
    """No message with this id is set aside.

    :ivar message_id: the id.
    """

    def __init__(self, message_id: int) -> None:
        super().__init__(f"message {message_id} is not set aside")
        self.message_id = message_id


async def list_failed_messages(session: AsyncSession) -> Sequence[OutboxMessage]:
    """Return every message that could not be sent, oldest first."""
    query = select(OutboxMessage).where(OutboxMessage.failed.is_not(None))
    return (await session.scalars(query.order_by(OutboxMessage.id))).all()


async def find_failed_message(session: AsyncSession, message_id: int) -> OutboxMessage:
    """Return one message that could not be sent.

    :raises UnknownMessageError: where it was not set aside.
    """
    is_message = (OutboxMessage.id == message_id, OutboxMessage.failed.is_not(None))
    row = await session.scalar(select(OutboxMessage).where(*is_message).with_for_update())
    if row is None:
        raise UnknownMessageError(message_id)
    return row


async def retry_message(session: AsyncSession, message_id: int, now: datetime) -> OutboxMessage:
    """Have a message sent again, before what is added for its recipient later.

    :raises UnknownMessageError: where it was not set aside.
    """
    row = await find_failed_message(session, message_id)
    row.failed = None
    await outbox.schedule_delivery(session, Channel(row.channel), row.recipient, now)
    return row


async def drop_message(session: AsyncSession, message_id: int) -> OutboxMessage:
    """Delete a message.

    :raises UnknownMessageError: where it was not set aside.
    """
    row = await find_failed_message(session, message_id)
    await session.delete(row)
    return row
