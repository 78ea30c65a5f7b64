"""Paying: what is owed, invoices, pre-checkouts.

Amounts are whole numbers in the smallest unit of the currency.
"""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.embedded.audit.actors import Actor
from services.authority.embedded.audit.audit import Act, Audit
from services.authority.embedded.credentials import grants
from services.authority.embedded.models import (
    Application,
    InvoiceRecord,
    OwedFee,
    Subscriber,
)
from services.authority.embedded.notifications.notices import notify
from services.authority.embedded.payments.applications import watch_deadline
from services.authority.embedded.personal_data.ids import new_id
from services.authority.embedded.personal_data.records import Records, locked_application
from services.authority.errors import (
    CheckoutRefusal,
    CheckoutRefusedError,
    DeadlinePassedError,
    GrantExpiredError,
    WrongStateError,
)
from services.authority.lifecycle import ApplicationAct, ApplicationState
from services.authority.notices import Notice
from services.authority.values import Change, Checkout, Fee, FeeKind, Invoice, Operation, Owed
from services.calendar import last_day, today
from services.formats.contact import parse_postal_address

RESERVATION = timedelta(hours=1)
"""How long an approved pre-checkout keeps an application from expiring."""
UNDERWAY = timedelta(minutes=10)
"""How long after a pre-checkout no other invoice for the same application is approved."""


class Payments:
    """The acts on money."""

    def __init__(self, records: Records, audit: Audit) -> None:
        self._records = records
        self._audit = audit

    async def owed(self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime) -> Owed:
        """Carry out `OnlineAuthority.owed`."""
        _, application = await grants.use(session, grant_id, Operation.PAY, chat_id, now)
        return await self._owed(session, application, now)

    async def _owed(self, session: AsyncSession, application: Application, now: datetime) -> Owed:
        if application.state != ApplicationState.SUBMITTED:
            raise WrongStateError(application.state, ApplicationAct.PAY)
        if application.deadline <= now:
            raise DeadlinePassedError(application.deadline)
        subscriber = await session.get(Subscriber, application.subscriber_id)
        if subscriber is None:
            raise GrantExpiredError
        until = last_day(application.deadline)
        return Owed(
            fees=await fees_of(session, application.id),
            deadline=application.deadline,
            last_day=until,
            days_left=(until - today(now)).days,
            address=self._records.address(subscriber),
            application=application.id,
        )

    async def change_address(
        self, session: AsyncSession, grant_id: str, address: str, chat_id: int, now: datetime
    ) -> Change:
        """Carry out `OnlineAuthority.change_address`."""
        value = parse_postal_address(address)
        _, application = await grants.use(session, grant_id, Operation.PAY, chat_id, now)
        if application.state not in (ApplicationState.SUBMITTED, ApplicationState.PAID):
            raise WrongStateError(application.state, "change_address")
        subscriber = await session.get(Subscriber, application.subscriber_id)
        if subscriber is None:
            raise GrantExpiredError
        if self._records.address(subscriber).reveal() == value:
            return Change(False, application.id)
        self._records.move(subscriber, value)
        actor = Actor.in_chat(chat_id).name
        self._audit.record(session, Act.ADDRESS_CHANGED, application.id, actor, now)
        notice = Notice.ADDRESS_CHANGED
        told = await notify(session, notice, subscriber.id, {}, now, chat_id)
        return Change(True, application.id, told)

    async def open_invoice(
        self, session: AsyncSession, grant_id: str, user_id: int, chat_id: int, now: datetime
    ) -> Invoice:
        """Carry out `OnlineAuthority.open_invoice`."""
        _, application = await grants.use(session, grant_id, Operation.PAY, chat_id, now)
        owed = await self._owed(session, application, now)
        row = InvoiceRecord(
            payload=new_id(),
            application_id=application.id,
            user_id=user_id,
            chat_id=chat_id,
            amount=owed.total,
            currency=owed.currency,
            created_at=now,
        )
        session.add(row)
        return Invoice(row.payload, owed)

    async def approve_checkout(
        self, session: AsyncSession, checkout: Checkout, now: datetime
    ) -> Change:
        """Carry out `OnlineAuthority.approve_checkout`."""
        invoice, application = await invoiced(session, checkout)
        refusal = refusal_of(invoice, application, checkout)
        if refusal is None and application and application.deadline <= now:
            refusal = CheckoutRefusal.OVERDUE
        if refusal is None and invoice and await _is_underway(session, invoice, now):
            refusal = CheckoutRefusal.UNDERWAY
        if refusal is not None or invoice is None or application is None:
            raise CheckoutRefusedError(refusal or CheckoutRefusal.UNKNOWN)
        if invoice.approved_at is None:
            actor = f"user {checkout.user_id}"
            self._audit.record(session, Act.CHECKOUT_APPROVED, application.id, actor, now)
        changed = invoice.approved_at is None
        invoice.approved_at = now
        application.reserved_until = now + RESERVATION
        await watch_deadline(session, application)
        return Change(changed, application.id)


async def _is_underway(session: AsyncSession, invoice: InvoiceRecord, now: datetime) -> bool:
    """Tell whether another invoice for the same application may be paid at this moment.

    The same one may be approved again, since a bank may have declined the first time.
    """
    same = InvoiceRecord.application_id == invoice.application_id
    other = (same, InvoiceRecord.payload != invoice.payload)
    query = select(InvoiceRecord.payload).where(*other, InvoiceRecord.approved_at > now - UNDERWAY)
    return (await session.execute(query.limit(1))).first() is not None


async def fees_of(session: AsyncSession, application_id: str) -> tuple[Fee, ...]:
    """Give the parts of what is owed for an application."""
    query = select(OwedFee).where(OwedFee.application_id == application_id)
    rows = await session.scalars(query.order_by(OwedFee.kind))
    return tuple(Fee(FeeKind(row.kind), row.amount) for row in rows)


async def invoiced(
    session: AsyncSession, checkout: Checkout
) -> tuple[InvoiceRecord | None, Application | None]:
    """Find an invoice, and lock the application it is for."""
    invoice = await session.get(InvoiceRecord, checkout.payload[:32])
    if invoice is None or invoice.payload != checkout.payload:
        return None, None
    application = await locked_application(session, invoice.application_id)
    # Who held the lock meanwhile may have changed it, or deleted it with its application.
    return await session.get(InvoiceRecord, invoice.payload, populate_existing=True), application


def refusal_of(
    invoice: InvoiceRecord | None, application: Application | None, checkout: Checkout
) -> CheckoutRefusal | None:
    """Tell why money does not fit an invoice, `None` where it does."""
    if invoice is None or application is None:
        return CheckoutRefusal.UNKNOWN
    if invoice.user_id != checkout.user_id:
        return CheckoutRefusal.NOT_YOURS
    if (invoice.amount, invoice.currency) != (checkout.amount, checkout.currency):
        return CheckoutRefusal.AMOUNT
    if application.state != ApplicationState.SUBMITTED:
        return CheckoutRefusal.PAID
    return None
