"""Linked chats: what waits for each of them, and what they are asked."""

from datetime import datetime

from sqlalchemy import select

from services.authority.data_types import ReportResult
from services.authority.embedded.models import SecurityAlert
from services.authority.notice_kinds import NoticeKind
from services.messaging.outbox import Channel, OutboxMessage
from tests.services.authority.authority_harness import NOW, Applicant, AuthorityHarness

FIRST, SECOND = 11, 12


async def messages_to(world: AuthorityHarness, chat: int) -> list[str]:
    """Return what waits for a chat, in order."""
    mine = (OutboxMessage.channel == Channel.CHAT, OutboxMessage.recipient == str(chat))
    query = select(OutboxMessage.message).where(*mine).order_by(OutboxMessage.id)
    async with world.database.unit_of_work() as session:
        return list(await session.scalars(query))


async def find_alert(world: AuthorityHarness, notice: NoticeKind, chat: int = FIRST) -> str:
    """Return the question that a chat was asked."""
    mine = (SecurityAlert.notice == notice, SecurityAlert.chat_id == chat)
    async with world.database.unit_of_work() as session:
        return (await session.scalars(select(SecurityAlert.id).where(*mine))).one()


async def report_not_me(
    world: AuthorityHarness, doubt: str, chat: int = FIRST, now: datetime = NOW
) -> ReportResult:
    async with world.database.unit_of_work() as session:
        return await world.authority.security_alerts.report_not_me(session, doubt, chat, now)


async def create_linked_person(world: AuthorityHarness, *chats: int, seed: int = 1) -> Applicant:
    """Return somebody with an active card and linked chats."""
    someone = await world.person(seed).is_active()
    for chat in chats:
        await someone.links(chat)
    return someone


async def people(world: AuthorityHarness, chat: int) -> list[str]:
    """Return the people that a chat is linked to."""
    async with world.database.unit_of_work() as session:
        people = await world.authority.links.list_people(session, chat)
    return [person.subscriber for person in people]
