"""The outbox: messages that are committed together with the change that causes them, sent later.

A row holds the message's id and references, never its text and never a secret; the message is
rendered when it is sent. Messages to one recipient go out in order: one job stands for all of
them, so one that has to wait delays those after it. Sent messages are deleted.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

import structlog
from sqlalchemy import BigInteger, Index, Integer, String, Text, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from services import jobs
from services.storage.database import Base, Database

References = Mapping[str, str | int]
JOB_KIND = "outbox"
GIVE_UP_AFTER = timedelta(days=3)
"""How long sending is retried."""
KEPT_FAILED = timedelta(days=7)
"""How long a message is kept after that."""
_BUGS = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)

_log = structlog.get_logger()


class Channel(StrEnum):
    """Channel of a message."""

    MAIL = "mail"
    """To a person, by their id."""
    CHAT = "chat"
    """To a chat, by its id."""
    STAFF = "staff"


class OutboxMessage(Base):
    """One message to be sent."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    channel: Mapped[str] = mapped_column(String(8))
    recipient: Mapped[str] = mapped_column(String(64))
    message: Mapped[str] = mapped_column(String(48))
    reference: Mapped[str] = mapped_column(Text)
    """Ids and plain values as JSON."""
    put_at: Mapped[datetime]
    failed: Mapped[str | None] = mapped_column(String(64))
    """Type of the error after which it was given up, for the operator."""

    __table_args__ = (Index("outbox_by_recipient", "channel", "recipient", "id"),)


class UndeliverableError(Exception):
    """A message can never be delivered."""


@dataclass(frozen=True)
class OutgoingMessage:
    """One message to be rendered and sent.

    :ivar id: the same at every attempt, so that a second copy can be recognised.
    """

    id: int
    recipient: str
    message: str
    references: References


class ChannelSender(Protocol):
    """Sends the messages of one channel."""

    async def send(self, message: OutgoingMessage, now: datetime) -> None:
        """Render and send one message.

        :raises UndeliverableError: when retrying is useless. After any other error it is retried
            later.
        """


async def enqueue(
    session: AsyncSession,
    channel: Channel,
    recipient: str,
    message: str,
    references: References,
    now: datetime,
) -> None:
    """Add a message, to be sent once the unit of work is committed."""
    text = json.dumps(dict(references), sort_keys=True)
    row = {"channel": channel, "recipient": recipient, "message": message, "reference": text}
    session.add(OutboxMessage(put_at=now, **row))
    await schedule_delivery(session, channel, recipient, now)


async def schedule_delivery(
    session: AsyncSession, channel: Channel, recipient: str, now: datetime
) -> None:
    """Have the messages of a recipient sent."""
    job = _delivery(channel, recipient)
    await jobs.schedule_after(session, JOB_KIND, job.key, timedelta(), now, job.reference)


async def load_pending(
    session: AsyncSession, channel: Channel, recipient: str
) -> Sequence[OutboxMessage]:
    """Return the messages that wait for a recipient, in order."""
    is_recipient = (OutboxMessage.channel == channel, OutboxMessage.recipient == recipient)
    query = select(OutboxMessage).where(*is_recipient, OutboxMessage.failed.is_(None))
    return (await session.scalars(query.order_by(OutboxMessage.id))).all()


async def delete_old(session: AsyncSession, now: datetime) -> None:
    """Delete messages that were given up so long ago that nobody needs them."""
    is_old = OutboxMessage.put_at < now - GIVE_UP_AFTER - KEPT_FAILED
    await session.execute(delete(OutboxMessage).where(OutboxMessage.failed.is_not(None), is_old))


async def redirect(session: AsyncSession, channel: Channel, recipient: str, to: str) -> None:
    """Address the messages that wait for a recipient to another, together with their job."""
    waiting = update(OutboxMessage).where(
        OutboxMessage.channel == channel, OutboxMessage.recipient == recipient
    )
    await session.execute(waiting.values(recipient=to))
    old, new = (_delivery(channel, each) for each in (recipient, to))
    await jobs.rename(session, old.key, new.key, new.reference)


@dataclass(frozen=True)
class _DeliveryJob:
    key: str
    reference: str


def _delivery(channel: Channel, recipient: str) -> _DeliveryJob:
    """Return the job that stands for the messages to a recipient."""
    reference = json.dumps({"channel": channel, "recipient": recipient})
    return _DeliveryJob(f"{JOB_KIND}/{channel}/{recipient}", reference)


class OutboxDelivery:
    """Sends pending messages; runs as the job of the kind `JOB_KIND`."""

    def __init__(self, database: Database, senders: Mapping[Channel, ChannelSender]) -> None:
        self._database = database
        self._senders = senders

    async def deliver(self, reference: str, now: datetime) -> None:
        """Send the messages of the recipient that a job refers to.

        A message that can never be sent is set aside, so that those after it are sent.

        :raises Exception: an error that may pass, so that the job is postponed; after
            `GIVE_UP_AFTER` the message is set aside instead.
        """
        job = json.loads(reference)
        channel, recipient = Channel(job["channel"]), str(job["recipient"])
        async with self._database.unit_of_work() as session:
            messages = await load_pending(session, channel, recipient)
        for message in messages:
            await self._send(channel, message, now)

    async def _send(self, channel: Channel, message: OutboxMessage, now: datetime) -> None:
        try:
            references = json.loads(message.reference)
            outgoing = OutgoingMessage(message.id, message.recipient, message.message, references)
            await self._senders[channel].send(outgoing, now)
        except Exception as error:
            if not _is_lasting(error) and now < message.put_at + GIVE_UP_AFTER:
                raise
            reason = type(error.__cause__ or error).__name__
            about = {"id": message.id, "channel": channel, "message": message.message}
            _log.error("message_given_up", **about, error=reason)
            await self._record_result(message.id, reason)
        else:
            await self._record_result(message.id, None)

    async def _record_result(self, message_id: int, failed: str | None) -> None:
        is_message = OutboxMessage.id == message_id
        async with self._database.unit_of_work() as session:
            if failed is None:
                await session.execute(delete(OutboxMessage).where(is_message))
            else:
                await session.execute(update(OutboxMessage).where(is_message).values(failed=failed))


def _is_lasting(error: Exception) -> bool:
    """Whether an error would come again: the message cannot be delivered, or it meets a bug."""
    is_bug = isinstance(error, _BUGS) and not isinstance(error, OSError)
    return is_bug or isinstance(error, UndeliverableError)
