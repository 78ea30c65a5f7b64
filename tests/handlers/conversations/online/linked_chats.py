"""Chats that are linked to a cardholder."""

from datetime import datetime

from sqlalchemy import select

from services.authority.data_types import AuthorityOperation, Proof
from services.messaging.outbox import Channel, OutboxMessage
from tests.bot_harness import BotHarness, ChatUser
from tests.handlers.clock import NOW
from tests.handlers.conversations.online.cardholders import Cardholder, Office


async def link_chat(holder: Cardholder, person: ChatUser, now: datetime = NOW) -> None:
    """Link a person's chat, in the language of their client."""
    chat = person.person.id
    grant = await holder.obtain_grant(AuthorityOperation.STATUS, Proof.CODE, chat=chat, now=now)
    async with holder.world.database.unit_of_work() as session:
        language = person.person.user.get("language_code")
        await holder.world.authority.links.link_chat(session, grant.id, chat, now, language)


async def pending_messages(harness: BotHarness) -> list[OutboxMessage]:
    """Return the messages to chats that are still in the outbox."""
    async with harness.kaika.database.unit_of_work() as session:
        query = select(OutboxMessage).where(OutboxMessage.channel == Channel.CHAT)
        return list(await session.scalars(query.order_by(OutboxMessage.id)))


async def link_two_chats(
    harness: BotHarness, office: Office
) -> tuple[Cardholder, ChatUser, ChatUser]:
    """Create a cardholder with an active card and two linked chats, one English, one Chinese."""
    holder = await office.cardholder()
    anna, mei = harness.add_user(), harness.add_user("阿美", "zh-hant")
    for person in (anna, mei):
        await person.starts()
        await link_chat(holder, person)
    await harness.run_due_jobs(NOW)
    return holder, anna, mei
