"""Two phones linked to one person."""

from datetime import datetime

from sqlalchemy import select

from services.authority.values import AuthorityOperation, Proof
from services.messaging.outbox import Channel, OutboxMessage
from tests.chat import Stage, Subscriber
from tests.handlers.conversations.online.people import NOW, Holder, Office


async def link(holder: Holder, person: Subscriber, now: datetime = NOW) -> None:
    """Link a person's chat, as their client speaks."""
    chat = person.person.id
    grant = await holder.granted(AuthorityOperation.STATUS, Proof.CODE, chat=chat, now=now)
    async with holder.world.database.unit_of_work() as session:
        language = person.person.user.get("language_code")
        await holder.world.authority.links.link_chat(session, grant.id, chat, now, language)


async def waiting(stage: Stage) -> list[OutboxMessage]:
    async with stage.kaika.database.unit_of_work() as session:
        query = select(OutboxMessage).where(OutboxMessage.channel == Channel.CHAT)
        return list(await session.scalars(query.order_by(OutboxMessage.id)))


async def two_phones(stage: Stage, office: Office) -> tuple[Holder, Subscriber, Subscriber]:
    """Give somebody with an active card, and two chats linked to them; the news is read."""
    holder = await office.someone()
    anna, mei = stage.subscriber(), stage.subscriber("阿美", "zh-hant")
    for person in (anna, mei):
        await person.starts()
        await link(holder, person)
    await stage.works_off(NOW)
    return holder, anna, mei
