"""The outbox: consequential messages, committed with what they tell of, sent afterwards.

A row holds the message's id and references, never its text and never a secret; it is rendered when
it is sent. Messages to one recipient go out in order: one `due` row stands for all of them, so
one that has to wait holds back those behind it. A message that went out is struck out.
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
from services.storage.database import Database
from services.storage.models import Base

References = Mapping[str, str | int]
DUE_KIND = "outbox"
GIVE_UP = timedelta(days=3)
"""How long a message is tried again."""

_log = structlog.get_logger()


class Channel(StrEnum):
    """Which way a message goes."""

    MAIL = "mail"
    """To a person, by their id."""
    CHAT = "chat"
    """To a chat, by its id."""
    STAFF = "staff"


class OutboxMessage(Base):
    """One message that has to go out."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    channel: Mapped[str] = mapped_column(String(8))
    recipient: Mapped[str] = mapped_column(String(64))
    message: Mapped[str] = mapped_column(String(48))
    reference: Mapped[str] = mapped_column(Text)
    """Ids and plain values as JSON."""
    put_at: Mapped[datetime]
    failed: Mapped[str | None] = mapped_column(String(64))
    """Type of the error after which it was given up; kept for the operator."""

    __table_args__ = (Index("outbox_by_recipient", "channel", "recipient", "id"),)


class UndeliverableError(Exception):
    """A message can never go out; trying again is of no use."""


@dataclass(frozen=True)
class Outgoing:
    """One message on its way.

    :ivar id: the same each time it is tried, so that a second copy can be recognised.
    """

    id: int
    recipient: str
    message: str
    references: References


class Sender(Protocol):
    """What sends the messages of one channel."""

    async def send(self, message: Outgoing, now: datetime) -> None:
        """Render and send one message.

        :raises UndeliverableError: when it is of no use to try again; after any other error it
            is tried again later, after `due.NotYetError` at the moment that it names.
        """


async def put(
    session: AsyncSession,
    channel: Channel,
    recipient: str,
    message: str,
    references: References,
    now: datetime,
) -> None:
    """Put a message down, to be sent once the unit of work is committed."""
    text = json.dumps(dict(references), sort_keys=True)
    row = {"channel": channel, "recipient": recipient, "message": message, "reference": text}
    session.add(OutboxMessage(put_at=now, **row))
    reference = json.dumps({"channel": channel, "recipient": recipient})
    await jobs.schedule(session, DUE_KIND, f"{DUE_KIND}/{channel}/{recipient}", now, reference)


async def waiting(
    session: AsyncSession, channel: Channel, recipient: str
) -> Sequence[OutboxMessage]:
    """Give what waits for a recipient, in order."""
    mine = (OutboxMessage.channel == channel, OutboxMessage.recipient == recipient)
    query = select(OutboxMessage).where(*mine, OutboxMessage.failed.is_(None))
    return (await session.scalars(query.order_by(OutboxMessage.id))).all()


class Courier:
    """Sends what waits; the worker of `due` calls it for rows of the kind `DUE_KIND`."""

    def __init__(self, database: Database, senders: Mapping[Channel, Sender]) -> None:
        self._database = database
        self._senders = senders

    async def deliver(self, reference: str, now: datetime) -> None:
        """Send what waits for the recipient that a `due` row names.

        :raises Exception: any error but `UndeliverableError`, so that the row is postponed;
            after `GIVE_UP` a message is given up instead.
        """
        to = json.loads(reference)
        channel, recipient = Channel(to["channel"]), str(to["recipient"])
        async with self._database.unit_of_work() as session:
            messages = await waiting(session, channel, recipient)
        for message in messages:
            await self._send(channel, message, now)

    async def _send(self, channel: Channel, message: OutboxMessage, now: datetime) -> None:
        references = json.loads(message.reference)
        outgoing = Outgoing(message.id, message.recipient, message.message, references)
        try:
            await self._senders[channel].send(outgoing, now)
        except Exception as error:
            if not isinstance(error, UndeliverableError) and now < message.put_at + GIVE_UP:
                raise
            _log.error("message_given_up", channel=channel, message=message.message)
            await self._settle(message.id, type(error.__cause__ or error).__name__)
        else:
            await self._settle(message.id, None)

    async def _settle(self, message_id: int, failed: str | None) -> None:
        this = OutboxMessage.id == message_id
        async with self._database.unit_of_work() as session:
            if failed is None:
                await session.execute(delete(OutboxMessage).where(this))
            else:
                await session.execute(update(OutboxMessage).where(this).values(failed=failed))
