"""Chats that are linked to a person: at most three, each notified of what happens."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from services import rate_limit
from services.authority.data_types import Change, ChatLink, LinkedPerson, Proof, Timeline
from services.authority.embedded import authority_limits
from services.authority.embedded.audit import Actor, Audit, AuditAct
from services.authority.embedded.certificates.certificates import build_timeline
from services.authority.embedded.credentials import grants
from services.authority.embedded.models import CertificateSet, LinkedChat, Subscriber
from services.authority.embedded.notice_outbox import notify
from services.authority.embedded.personal_data.records import (
    PersonalRecords,
    find_latest_application,
    find_linked_chats,
    lock_person,
)
from services.authority.errors import (
    ChatPausedError,
    ProofMissingError,
    TooManyChatsError,
    UnknownPersonError,
)
from services.authority.interface.links import ChatLinks
from services.authority.lifecycle import ApplicationState, CertificateState
from services.authority.notice_kinds import NoticeKind
from services.formats.ui_number import UiNumber

MAX_CHATS = 3


class EmbeddedChatLinks(ChatLinks):
    """The links on record."""

    def __init__(self, records: PersonalRecords, audit: Audit) -> None:
        self._records = records
        self._audit = audit

    @override
    async def link_chat(
        self,
        session: AsyncSession,
        grant_id: str,
        chat_id: int,
        now: datetime,
        client_language: str | None = None,
    ) -> Change:
        grant = await grants.find_grant(session, grant_id, chat_id, now)
        if Proof.CODE not in grants.to_grant(grant).proofs:
            raise ProofMissingError((frozenset({Proof.CODE}),))
        application = await grants.lock_granted_application(session, grant)
        subscriber = application.subscriber_id
        assert subscriber is not None
        linked = await find_linked_chats(session, subscriber)
        if chat_id in linked:
            return Change(False, application.id)
        if len(linked) >= MAX_CHATS:
            raise TooManyChatsError(MAX_CHATS)
        await self._consume_link(session, chat_id, now)
        language = client_language[:16] if client_language else None
        link = LinkedChat(subscriber_id=subscriber, chat_id=chat_id, linked_at=now)
        link.client_language = language
        session.add(link)
        actor = Actor.in_chat(chat_id).name
        self._audit.record(session, AuditAct.CHAT_LINKED, application.id, actor, now)
        notified = await notify(session, NoticeKind.CHAT_LINKED, subscriber, {}, now, chat_id)
        return Change(True, application.id, notified)

    async def _consume_link(self, session: AsyncSession, chat_id: int, now: datetime) -> None:
        try:
            await rate_limit.consume(
                session, authority_limits.CHAT_LINKS, self._records.hash_chat(chat_id), now
            )
        except rate_limit.RateLimitedError as error:
            raise ChatPausedError(error.until or now) from error

    @override
    async def unlink_chat(
        self, session: AsyncSession, subscriber: str, chat_id: int, acting_chat: int, now: datetime
    ) -> bool:
        person = select(Subscriber.id).where(Subscriber.id == subscriber)
        await session.execute(lock_person(person))
        link = await session.get(LinkedChat, (subscriber, chat_id))
        if link is None or acting_chat not in await find_linked_chats(session, subscriber):
            return False
        actor = Actor.in_chat(acting_chat).name
        about = {"chat": chat_id}
        self._audit.record(session, AuditAct.CHAT_UNLINKED, subscriber, actor, now, about)
        await notify(session, NoticeKind.CHAT_UNLINKED, subscriber, {}, now, acting_chat)
        await session.delete(link)
        await session.flush()
        return True

    @override
    async def list_people(self, session: AsyncSession, chat_id: int) -> Sequence[LinkedPerson]:
        query = select(Subscriber).join(LinkedChat, LinkedChat.subscriber_id == Subscriber.id)
        query = query.where(LinkedChat.chat_id == chat_id).order_by(LinkedChat.linked_at)
        found = []
        for subscriber in (await session.scalars(query)).all():
            application = await find_latest_application(session, subscriber, lock=False)
            number = UiNumber(self._records.unseal_field(subscriber, "ui_number"))
            state = ApplicationState(application.state) if application else None
            certificates = (
                await session.get(CertificateSet, application.id) if application else None
            )
            person = LinkedPerson(
                subscriber=subscriber.id,
                ui_number_masked=number.mask(),
                links=await _list_links(session, subscriber),
                application=state,
                certificate=CertificateState(certificates.state) if certificates else None,
            )
            found.append(person)
        return found

    @override
    async def find_timeline(
        self, session: AsyncSession, subscriber: str, chat_id: int
    ) -> Timeline | None:
        found = await _require_link(session, subscriber, chat_id)
        application = await find_latest_application(session, found, lock=False)
        if application is None:
            return None
        return build_timeline(application, await session.get(CertificateSet, application.id))

    @override
    async def find_ui_number(
        self, session: AsyncSession, subscriber: str, chat_id: int
    ) -> UiNumber:
        found = await _require_link(session, subscriber, chat_id)
        return UiNumber(self._records.unseal_field(found, "ui_number"))


async def _require_link(session: AsyncSession, subscriber: str, chat_id: int) -> Subscriber:
    """Return a person the chat is linked to.

    :raises UnknownPersonError: for anybody else.
    """
    found = await session.get(Subscriber, subscriber)
    if found is None or await session.get(LinkedChat, (subscriber, chat_id)) is None:
        raise UnknownPersonError
    return found


async def _list_links(session: AsyncSession, subscriber: Subscriber) -> tuple[ChatLink, ...]:
    query = select(LinkedChat.chat_id, LinkedChat.linked_at)
    query = query.where(LinkedChat.subscriber_id == subscriber.id)
    rows = await session.execute(query.order_by(LinkedChat.linked_at, LinkedChat.chat_id))
    return tuple(ChatLink(chat, since) for chat, since in rows)
