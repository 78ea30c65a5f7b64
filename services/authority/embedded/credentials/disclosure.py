"""What a person is shown of their own records: the code, and where things stand."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.embedded.audit.actors import Actor
from services.authority.embedded.audit.audit import Act, Audit
from services.authority.embedded.credentials import grants
from services.authority.embedded.credentials.subscriber_codes import Codes
from services.authority.embedded.models import Application, CertificateSet
from services.authority.embedded.notifications.notices import notify
from services.authority.errors import CodeNotKeptError
from services.authority.lifecycle import CODE_IS_KEPT, ApplicationState, CertificateState
from services.authority.notices import Notice
from services.authority.values import Change, Operation, RevealedCode, Timeline

_NEXT_FOR_APPLICATION = {
    ApplicationState.SUBMITTED: Operation.PAY,
    ApplicationState.POSTED: Operation.ACTIVATE,
}
_NEXT_FOR_CERTIFICATE = {CertificateState.SUSPENDED: Operation.RESUME}
_OVER = frozenset({CertificateState.REVOKED, CertificateState.EXPIRED})


class Revealing:
    """Shows a person what is theirs."""

    def __init__(self, codes: Codes, audit: Audit) -> None:
        self._codes = codes
        self._audit = audit

    async def reveal_code(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> RevealedCode:
        """Carry out `OnlineAuthority.reveal_code`; twice under one grant is one revelation."""
        grant, application = await grants.use(session, grant_id, Operation.RETRIEVE, chat_id, now)
        if ApplicationState(application.state) not in CODE_IS_KEPT:
            raise CodeNotKeptError
        code = self._codes.give_back(application)
        if grant.revealed_at is not None:
            return RevealedCode(code, Change(False, application.id))
        grant.revealed_at = now
        actor = Actor.in_chat(chat_id).name
        self._audit.record(session, Act.CODE_REVEALED, application.id, actor, now)
        subscriber = application.subscriber_id
        told = await notify(session, Notice.CODE_REVEALED, subscriber, {}, now, chat_id)
        return RevealedCode(code, Change(True, application.id, told))

    async def status(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> Timeline:
        """Carry out `OnlineAuthority.status`."""
        _, application = await grants.use(session, grant_id, Operation.STATUS, chat_id, now)
        certificates = await session.get(CertificateSet, application.id)
        return timeline(application, certificates)


def timeline(application: Application, certificates: CertificateSet | None) -> Timeline:
    """Tell where an application and its certificates stand, and what comes next."""
    state = ApplicationState(application.state)
    certificate = CertificateState(certificates.state) if certificates else None
    return Timeline(
        application=state,
        certificate=certificate,
        moments=_moments(application),
        deadline=application.deadline,
        certificate_changed_at=certificates.changed_at if certificates else None,
        valid_until=certificates.not_after if certificates else None,
        next_operation=_next(state, certificate),
    )


def _moments(application: Application) -> dict[ApplicationState, datetime]:
    known = {state: getattr(application, f"{state}_at") for state in ApplicationState}
    return {state: at for state, at in known.items() if at is not None}


def _next(state: ApplicationState, certificate: CertificateState | None) -> Operation | None:
    if certificate in _OVER:
        return None
    if certificate in _NEXT_FOR_CERTIFICATE:
        return _NEXT_FOR_CERTIFICATE[certificate]
    return _NEXT_FOR_APPLICATION.get(state)
