"""The certificates of a card: their states, and what CRL and OCSP have to say of them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from services.authority.ca.crl import record_status_change
from services.authority.ca.statuses import CertificateRecord
from services.authority.data_types import AuthorityOperation, Change, Timeline
from services.authority.embedded.audit import SYSTEM, Actor, Audit, AuditAct
from services.authority.embedded.credentials import grants
from services.authority.embedded.credentials.subscriber_codes import SubscriberCodes
from services.authority.embedded.models import (
    Application,
    Certificate,
    CertificateSet,
)
from services.authority.embedded.notice_outbox import notify
from services.authority.embedded.payments.applications import advance
from services.authority.errors import (
    GrantExpiredError,
    WrongStateError,
)
from services.authority.interface.certificates import (
    CertificateKind,
    Certificates,
    IssuedCertificate,
)
from services.authority.lifecycle import (
    CERTIFICATE_IN_USE,
    ON_HOLD,
    ApplicationAct,
    ApplicationState,
    CertificateAct,
    CertificateState,
    RevocationReason,
    next_certificate_state,
)
from services.authority.notice_kinds import NoticeKind
from services.storage.database import lock_row
from services.storage.keys import KeyRing, column_context

_ACTS = {
    CertificateAct.SUSPEND: (AuditAct.SUSPENDED, NoticeKind.SUSPENDED),
    CertificateAct.RESUME: (AuditAct.RESUMED, NoticeKind.RESUMED),
    CertificateAct.REVOKE: (AuditAct.REVOKED, NoticeKind.REVOKED),
}
_PREVIEWABLE = {
    AuthorityOperation.SUSPEND: CertificateAct.SUSPEND,
    AuthorityOperation.RESUME: CertificateAct.RESUME,
}
_NEXT_FOR_APPLICATION = {
    ApplicationState.SUBMITTED: AuthorityOperation.PAY,
    ApplicationState.POSTED: AuthorityOperation.ACTIVATE,
}
_NEXT_FOR_CERTIFICATE = {CertificateState.SUSPENDED: AuthorityOperation.RESUME}
_ENDED = frozenset({CertificateState.REVOKED, CertificateState.EXPIRED})


class EmbeddedCertificates(Certificates):
    """The state changes of certificates."""

    def __init__(self, codes: SubscriberCodes, audit: Audit) -> None:
        self._codes = codes
        self._audit = audit

    @override
    async def get_timeline(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> Timeline:
        _, application = await grants.require_grant(
            session, grant_id, AuthorityOperation.STATUS, chat_id, now
        )
        certificates = await session.get(CertificateSet, application.id)
        return build_timeline(application, certificates)

    async def activate(
        self, session: AsyncSession, application: Application, actor: Actor, now: datetime
    ) -> Change:
        """Activate the certificates and destroy the recoverable subscriber code.

        :raises WrongStateError: where the table does not allow it.
        """
        certificates = await lock_certificates(session, application, CertificateAct.ACTIVATE)
        advance(application, ApplicationAct.ACTIVATE, now)
        if not await self._set_state(session, certificates, CertificateAct.ACTIVATE, now):
            return Change(False, application.id)
        self._codes.destroy(session, application)
        self._audit.record(session, AuditAct.ACTIVATED, application.id, actor.name, now)
        return await self._notify(session, application, NoticeKind.ACTIVATED, actor, now)

    @override
    async def preview_change(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> Change:
        row = await grants.find_grant(session, grant_id, chat_id, now)
        act = _PREVIEWABLE.get(AuthorityOperation(row.operation))
        if act is None:
            raise GrantExpiredError
        application = await grants.lock_granted_application(session, row)
        certificates = await lock_certificates(session, application, act)
        state = next_certificate_state(CertificateState(certificates.state), act)
        return Change(state != certificates.state, application.id)

    @override
    async def suspend(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> Change:
        _, application = await grants.require_grant(
            session, grant_id, AuthorityOperation.SUSPEND, chat_id, now
        )
        actor = Actor.in_chat(chat_id)
        return await self.change_state(session, application, CertificateAct.SUSPEND, actor, now)

    @override
    async def resume(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> Change:
        _, application = await grants.require_grant(
            session, grant_id, AuthorityOperation.RESUME, chat_id, now
        )
        actor = Actor.in_chat(chat_id)
        return await self.change_state(session, application, CertificateAct.RESUME, actor, now)

    @override
    async def announce_resumption(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> Change:
        grant, application = await grants.require_grant(
            session, grant_id, AuthorityOperation.RESUME, chat_id, now
        )
        certificates = await lock_certificates(session, application, CertificateAct.RESUME)
        next_certificate_state(CertificateState(certificates.state), CertificateAct.RESUME)
        if grant.announced_at is not None:
            return Change(False, application.id)
        grant.announced_at = now
        actor = Actor.in_chat(chat_id)
        return await self._notify(session, application, NoticeKind.RESUMING, actor, now)

    async def change_state(
        self,
        session: AsyncSession,
        application: Application,
        act: CertificateAct,
        actor: Actor,
        now: datetime,
        reason: RevocationReason | None = None,
    ) -> Change:
        """Suspend, resume or revoke; only a revocation has a reason.

        :raises WrongStateError: where the table does not allow it.
        """
        certificates = await lock_certificates(session, application, act)
        if not await self._set_state(session, certificates, act, now):
            return Change(False, application.id)
        if act is CertificateAct.REVOKE:
            certificates.revocation_reason = reason
            self._codes.destroy(session, application)
        audited, notice = _ACTS[act]
        details = {"reason": str(reason)} if reason else {}
        self._audit.record(session, audited, application.id, actor.name, now, details)
        return await self._notify(session, application, notice, actor, now)

    async def reinstate(
        self,
        session: AsyncSession,
        application: Application,
        published: CertificateRecord,
        actor: Actor,
        now: datetime,
    ) -> bool:
        """Suspend or revoke again what was published as such; `False` where it still is.

        The person is not notified, since they were at the time.
        """
        is_revoked = published.state is CertificateState.REVOKED
        act = CertificateAct.REVOKE if is_revoked else CertificateAct.SUSPEND
        certificates = await lock_certificates(session, application, act)
        state = CertificateState(certificates.state)
        if state in _ENDED or (not is_revoked and state in ON_HOLD):
            return False
        await self._set_state(session, certificates, act, now)
        certificates.changed_at, certificates.held_since = published.since, None
        if is_revoked:
            certificates.revocation_reason = published.reason
            self._codes.destroy(session, application)
        details = {"published_since": published.since.isoformat()}
        self._audit.record(session, _ACTS[act][0], application.id, actor.name, now, details)
        return True

    async def _notify(
        self,
        session: AsyncSession,
        application: Application,
        notice: NoticeKind,
        actor: Actor,
        now: datetime,
    ) -> Change:
        notified = await notify(session, notice, application.subscriber_id, {}, now, actor.chat)
        return Change(True, application.id, notified)

    async def _set_state(
        self,
        session: AsyncSession,
        certificates: CertificateSet,
        act: CertificateAct,
        now: datetime,
    ) -> bool:
        state = next_certificate_state(CertificateState(certificates.state), act)
        if state == certificates.state:
            return False
        if state is CertificateState.REVOKED and certificates.state in ON_HOLD:
            certificates.held_since = certificates.changed_at
        certificates.state, certificates.changed_at = state, now
        await session.flush()
        record_status_change(session, now)
        return True

    async def expire(self, session: AsyncSession, now: datetime) -> list[str]:
        """Expire the certificates whose validity has ended; return their application ids."""
        in_use = CertificateSet.state.in_(CERTIFICATE_IN_USE)
        query = select(CertificateSet.application_id).where(in_use, CertificateSet.not_after < now)
        over = (await session.scalars(query.order_by(CertificateSet.application_id))).all()
        for application_id in over:
            application = await lock_row(session, Application, application_id)
            assert application is not None
            certificates = await lock_certificates(session, application, CertificateAct.EXPIRE)
            if await self._set_state(session, certificates, CertificateAct.EXPIRE, now):
                self._codes.destroy(session, application)
                audited = AuditAct.CERTIFICATES_EXPIRED
                self._audit.record(session, audited, application_id, SYSTEM.name, now)
        return list(over)


async def list_certificates(
    session: AsyncSession, keys: KeyRing, application_id: str
) -> Sequence[IssuedCertificate]:
    """Return the certificates on record; none where the person was erased."""
    query = select(Certificate).where(Certificate.application_id == application_id)
    rows = await session.scalars(query.order_by(Certificate.kind))
    return [
        IssuedCertificate(
            CertificateKind(row.kind),
            int(row.serial, 16),
            keys.unseal(row.document, column_context("certificates", row.serial, "document")),
        )
        for row in rows
        if row.document is not None
    ]


async def lock_certificates(
    session: AsyncSession, application: Application, act: str
) -> CertificateSet:
    """Return the certificates of an application, locked.

    :raises WrongStateError: when none were issued.
    """
    found = await lock_row(session, CertificateSet, application.id)
    if found is None:
        raise WrongStateError(application.state, act)
    return found


def build_timeline(application: Application, certificates: CertificateSet | None) -> Timeline:
    """Return where an application and its certificates stand, and what comes next."""
    state = ApplicationState(application.state)
    certificate = CertificateState(certificates.state) if certificates else None
    return Timeline(
        application=state,
        certificate=certificate,
        moments=_moments(application),
        deadline=application.deadline,
        certificate_changed_at=certificates.changed_at if certificates else None,
        valid_until=certificates.not_after if certificates else None,
        next_operation=_next_operation(state, certificate),
    )


def _moments(application: Application) -> dict[ApplicationState, datetime]:
    known = {state: getattr(application, f"{state}_at") for state in ApplicationState}
    return {state: at for state, at in known.items() if at is not None}


def _next_operation(
    state: ApplicationState, certificate: CertificateState | None
) -> AuthorityOperation | None:
    if certificate in _ENDED:
        return None
    if certificate in _NEXT_FOR_CERTIFICATE:
        return _NEXT_FOR_CERTIFICATE[certificate]
    return _NEXT_FOR_APPLICATION.get(state)
