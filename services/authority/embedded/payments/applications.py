"""Applications: submitted at the counter, paid, issued, posted, activated, or expired unpaid."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from services import jobs, rate_limit
from services.authority.data_types import Change, FeeKind
from services.authority.embedded import authority_limits
from services.authority.embedded.audit import SYSTEM, Actor, Audit, AuditAct
from services.authority.embedded.credentials import grants
from services.authority.embedded.credentials.subscriber_codes import PreparedCode, SubscriberCodes
from services.authority.embedded.models import (
    Application,
    CertificateSet,
    InvoiceRecord,
    OwedFee,
    Subscriber,
)
from services.authority.embedded.notice_outbox import notify
from services.authority.embedded.personal_data.records import (
    PersonalData,
    PersonalRecords,
    find_latest_application,
    lock_person,
)
from services.authority.errors import AlreadyAppliedError, UnderageError
from services.authority.lifecycle import (
    CERTIFICATE_IN_USE,
    ApplicationAct,
    ApplicationState,
    CertificateState,
    next_application_state,
)
from services.authority.notice_kinds import NoticeKind
from services.calendar import payment_deadline, today
from services.clock import steady_time, wall_time
from services.formats.dates import age
from services.formats.subscriber_code import SubscriberCode
from services.messaging import payment_reminders
from services.storage.database import lock_row

DUE_KIND = "expire"
"""What falls due at the end of a payment deadline: `EmbeddedAuthority.expire_within`."""
MIN_AGE = 18
"""Age from which one may apply (docs/facts.md §1.1)."""
FEES = {FeeKind.CARD: 25000, FeeKind.POSTAGE: 2800}
"""In the smallest unit of the currency: NT$250 and NT$28 (docs/facts.md §1.2)."""


@dataclass(frozen=True)
class ApplicationReceipt:
    """Result of submitting an application.

    :ivar code: the subscriber code for the form; `None` when there was an application already.
    """

    application: str
    changed: bool
    state: ApplicationState
    submitted_at: datetime
    deadline: datetime
    code: SubscriberCode | None


class Applications:
    """Submitting, posting and expiring applications."""

    def __init__(self, records: PersonalRecords, codes: SubscriberCodes, audit: Audit) -> None:
        self._records = records
        self._codes = codes
        self._audit = audit

    async def apply(
        self,
        session: AsyncSession,
        data: PersonalData,
        prepared: PreparedCode,
        actor: Actor,
        now: datetime,
    ) -> ApplicationReceipt:
        """Submit an application; a second one of the same person changes nothing.

        :raises UnderageError: for an applicant who is not of age.
        :raises AlreadyAppliedError: when there is one in use with another birth date.
        """
        if age(data.birth_date, today(now)) < MIN_AGE:
            raise UnderageError(MIN_AGE)
        subscriber = await self._records.lock_or_create(session, data, now)
        before = await find_latest_application(session, subscriber)
        if before and await self._is_open(session, before, now):
            self._codes.destroy_key(session, prepared.record_key)
            if subscriber.birth_hash != self._records.hash_birth_date(
                data.ui_number, data.birth_date
            ):
                raise AlreadyAppliedError(before.state)
            return _to_receipt(before, None)
        self._records.update(subscriber, data)
        application = self._submit(session, subscriber, prepared, now)
        for limit in authority_limits.CODE_LIMITS:
            await rate_limit.reset(session, limit, subscriber.ui_hash)
        await schedule_expiry(session, application, now)
        self._audit.record(session, AuditAct.APPLIED, application.id, actor.name, now)
        return _to_receipt(application, prepared.code)

    async def _is_open(self, session: AsyncSession, before: Application, now: datetime) -> bool:
        """Whether an application prevents a new one."""
        if before.state == ApplicationState.EXPIRED:
            return False
        if _is_overdue(before, now):
            await self._expire(session, before, now, keep_person=True)
            return False
        certificates = await session.get(CertificateSet, before.id)
        return certificates is None or CertificateState(certificates.state) in CERTIFICATE_IN_USE

    def _submit(
        self, session: AsyncSession, subscriber: Subscriber, prepared: PreparedCode, now: datetime
    ) -> Application:
        application = Application(
            id=prepared.application,
            subscriber_id=subscriber.id,
            state=ApplicationState.SUBMITTED,
            submitted_at=now,
            deadline=payment_deadline(now),
            code_verifier=prepared.verifier,
            code_sealed=prepared.sealed,
            record_key=prepared.record_key,
        )
        session.add(application)
        for kind, amount in FEES.items():
            session.add(OwedFee(application_id=application.id, kind=kind, amount=amount))
        return application

    async def post(
        self, session: AsyncSession, application: Application, actor: Actor, now: datetime
    ) -> Change:
        """Record that the card was posted.

        :raises WrongStateError: when it is not made yet.
        """
        changed = advance(application, ApplicationAct.POST, now)
        if changed:
            self._audit.record(session, AuditAct.POSTED, application.id, actor.name, now)
            await notify(session, NoticeKind.POSTED, application.subscriber_id, {}, now)
        return Change(changed, application.id)

    async def expire_overdue(self, session: AsyncSession, now: datetime) -> list[str]:
        """Expire what was not paid in time, and erase the person (docs/facts.md §1.2).

        A pre-checkout that was approved within the last hour holds it open.
        """
        unpaid = (Application.state == ApplicationState.SUBMITTED, Application.deadline <= now)
        query = select(Application.id, Application.subscriber_id).where(*unpaid)
        found = (await session.execute(query.order_by(Application.id))).all()
        expired = []
        for application_id, subscriber in found:
            # Persons are locked before their applications, here as everywhere.
            person = select(Subscriber.id).where(Subscriber.id == subscriber)
            await session.execute(lock_person(person))
            application = await lock_row(session, Application, application_id)
            if application and _is_overdue(application, now):
                await self._expire(session, application, now)
                expired.append(application.id)
        return expired

    async def withdraw(
        self, session: AsyncSession, application: Application, actor: Actor, now: datetime
    ) -> None:
        """Expire an unpaid application because the person asked for erasure."""
        await self._expire(session, application, now, actor=actor)

    async def _expire(
        self,
        session: AsyncSession,
        application: Application,
        now: datetime,
        *,
        keep_person: bool = False,
        actor: Actor = SYSTEM,
    ) -> None:
        if not advance(application, ApplicationAct.EXPIRE, now):
            return
        await schedule_expiry(session, application, now)
        self._codes.destroy(session, application)
        self._audit.record(session, AuditAct.EXPIRED, application.id, actor.name, now)
        subscriber, application.subscriber_id = application.subscriber_id, None
        await delete_leftovers(session, application)
        if not keep_person:
            await self._erase_if_unused(session, subscriber)

    async def _erase_if_unused(self, session: AsyncSession, subscriber: str | None) -> None:
        await session.flush()
        others = select(Application.id).where(Application.subscriber_id == subscriber).limit(1)
        if (await session.execute(others)).first() is None:
            await session.execute(delete(Subscriber).where(Subscriber.id == subscriber))


def _is_overdue(application: Application, now: datetime) -> bool:
    unpaid = application.state == ApplicationState.SUBMITTED and application.deadline <= now
    reserved = application.reserved_until is not None and application.reserved_until > steady_time(
        now
    )
    return unpaid and not reserved


async def schedule_expiry(session: AsyncSession, application: Application, now: datetime) -> None:
    """Schedule the job that expires an unpaid application.

    Once it is paid or expired, the job and its reminders are cancelled.
    """
    key = f"{DUE_KIND}/{application.id}"
    if application.state != ApplicationState.SUBMITTED:
        await jobs.cancel(session, key)
        await payment_reminders.cancel_application(session, application.id)
        return
    at = application.deadline
    if application.reserved_until is not None:
        at = max(at, wall_time(application.reserved_until, now))
    await jobs.schedule(session, DUE_KIND, key, at)


def advance(application: Application, act: ApplicationAct, now: datetime) -> bool:
    """Change the state of an application; `False` where it was in that state already.

    :raises WrongStateError: where it is not allowed.
    """
    state = next_application_state(ApplicationState(application.state), act)
    if state == application.state:
        return False
    application.state = state
    if state is ApplicationState.SUBMITTED:
        application.paid_at = None
    else:
        setattr(application, f"{state}_at", now)
    return True


async def delete_leftovers(session: AsyncSession, application: Application) -> None:
    """Delete what belongs to an application and is no longer needed."""
    application.code_verifier = application.code_sealed = application.reserved_until = None
    await grants.withdraw_grants(session, application)
    invoices = InvoiceRecord.application_id == application.id
    await session.execute(delete(InvoiceRecord).where(invoices))


def _to_receipt(application: Application, code: SubscriberCode | None) -> ApplicationReceipt:
    return ApplicationReceipt(
        application=application.id,
        changed=code is not None,
        state=ApplicationState(application.state),
        submitted_at=application.submitted_at,
        deadline=application.deadline,
        code=code,
    )
