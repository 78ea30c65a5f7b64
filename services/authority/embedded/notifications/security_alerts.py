"""Answers to "was this you?": a "no" in a linked chat suspends the certificates."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from services.authority.data_types import ReportResult
from services.authority.embedded.audit import Actor, Audit, AuditAct
from services.authority.embedded.certificates.certificates import EmbeddedCertificates
from services.authority.embedded.credentials import grants
from services.authority.embedded.models import (
    Application,
    CertificateSet,
    LinkedChat,
    SecurityAlert,
    Subscriber,
)
from services.authority.embedded.personal_data.records import find_latest_application
from services.authority.errors import AlertExpiredError
from services.authority.interface.links import SecurityAlerts
from services.authority.lifecycle import CertificateAct, CertificateState
from services.authority.notice_kinds import NoticeKind

_SUSPENDABLE = frozenset({CertificateState.ACTIVE, CertificateState.SUSPENDED})


class EmbeddedSecurityAlerts(SecurityAlerts):
    """The questions on record."""

    def __init__(self, certificates: EmbeddedCertificates, audit: Audit) -> None:
        self._certificates = certificates
        self._audit = audit

    @override
    async def find_certificate_state(
        self, session: AsyncSession, alert_id: str, chat_id: int, now: datetime
    ) -> CertificateState | None:
        _, application = await _find_alert(session, alert_id, chat_id, now)
        certificates = await session.get(CertificateSet, application.id)
        return CertificateState(certificates.state) if certificates else None

    @override
    async def report_not_me(
        self, session: AsyncSession, alert_id: str, chat_id: int, now: datetime
    ) -> ReportResult:
        doubt, application = await _find_alert(session, alert_id, chat_id, now)
        certificates = await session.get(CertificateSet, application.id, populate_existing=True)
        state = CertificateState(certificates.state) if certificates else None
        if doubt.denied_at is not None:
            return ReportResult(False, state)
        doubt.denied_at = now
        actor = Actor.in_chat(chat_id)
        about = {"notice": doubt.notice}
        self._audit.record(session, AuditAct.DENIED, application.id, actor.name, now, about)
        # Whatever is under way, such as resuming, needs the code again.
        await grants.withdraw_grants(session, application)
        # A no to an old suspension is none to the resumption that came after it.
        if state not in _SUSPENDABLE or doubt.notice == NoticeKind.SUSPENDED:
            return ReportResult(False, state)
        act = self._certificates.change_state
        change = await act(session, application, CertificateAct.SUSPEND, actor, now)
        return ReportResult(change.changed, CertificateState.SUSPENDED)


async def delete_expired_alerts(session: AsyncSession, now: datetime) -> None:
    """Delete questions that can no longer be answered."""
    await session.execute(delete(SecurityAlert).where(SecurityAlert.expires_at <= now))


async def _find_alert(
    session: AsyncSession, doubt_id: str, chat_id: int, now: datetime
) -> tuple[SecurityAlert, Application]:
    """Return a question that this chat may still answer, and its application, locked.

    :raises AlertExpiredError: when it is too old, another chat's, or the chat is no longer linked.
    """
    doubt = await session.get(SecurityAlert, doubt_id)
    if doubt is None or doubt.chat_id != chat_id or doubt.expires_at <= now:
        raise AlertExpiredError
    mine = (LinkedChat.subscriber_id == doubt.subscriber_id, LinkedChat.chat_id == chat_id)
    query = select(Subscriber).join(LinkedChat, LinkedChat.subscriber_id == Subscriber.id)
    subscriber = (await session.scalars(query.where(*mine))).one_or_none()
    application = await find_latest_application(session, subscriber) if subscriber else None
    if application is None:
        raise AlertExpiredError
    doubt = await session.get(SecurityAlert, doubt_id, populate_existing=True)
    if doubt is None:  # it was deleted while the lock was waited for
        raise AlertExpiredError
    return doubt, application
