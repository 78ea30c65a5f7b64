"""Payments: the amount due, invoices, pre-checkouts, charges and refunds.

Amounts are whole numbers in the smallest unit of the currency.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from services.authority.data_types import (
    CURRENCY,
    AmountDue,
    AuthorityOperation,
    Change,
    Charge,
    ChargeResult,
    Checkout,
    Fee,
    FeeKind,
    Invoice,
)
from services.authority.embedded.audit import Actor, Audit, AuditAct
from services.authority.embedded.credentials import grants
from services.authority.embedded.models import (
    Application,
    InvoiceRecord,
    OwedFee,
    Payment,
    Subscriber,
)
from services.authority.embedded.notice_outbox import notify
from services.authority.embedded.payments.applications import advance, schedule_expiry
from services.authority.embedded.personal_data.records import PersonalRecords
from services.authority.errors import (
    CheckoutRefusal,
    CheckoutRefusedError,
    DeadlinePassedError,
    GrantExpiredError,
    UnknownChargeError,
    WrongStateError,
)
from services.authority.interface.payments import Payments
from services.authority.lifecycle import ApplicationAct, ApplicationState
from services.authority.notice_kinds import NoticeKind
from services.calendar import last_payment_day, today
from services.clock import steady_time
from services.formats.contact import parse_postal_address
from services.ids import new_id
from services.storage.database import insert_or_ignore, lock_row

RESERVATION = timedelta(hours=1)
"""How long an approved pre-checkout keeps an application from expiring."""
UNDERWAY = timedelta(minutes=10)
"""How long after a pre-checkout no other invoice for the same application is approved."""


class EmbeddedPayments(Payments):
    """Invoices and charges on record."""

    def __init__(self, records: PersonalRecords, audit: Audit) -> None:
        self._records = records
        self._audit = audit

    @override
    async def get_amount_due(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> AmountDue:
        _, application = await grants.require_grant(
            session, grant_id, AuthorityOperation.PAY, chat_id, now
        )
        _require_payable(application, now)
        subscriber = await session.get(Subscriber, application.subscriber_id)
        if subscriber is None:
            raise GrantExpiredError
        return AmountDue(
            fees=await find_fees(session, application.id),
            deadline=application.deadline,
            last_day=last_payment_day(application.deadline),
            address=self._records.unseal_address(subscriber),
            application=application.id,
        )

    @override
    async def change_address(
        self, session: AsyncSession, grant_id: str, address: str, chat_id: int, now: datetime
    ) -> Change:
        value = parse_postal_address(address)
        _, application = await grants.require_grant(
            session, grant_id, AuthorityOperation.PAY, chat_id, now
        )
        if application.state not in (ApplicationState.SUBMITTED, ApplicationState.PAID):
            raise WrongStateError(application.state, "change_address")
        subscriber = await session.get(Subscriber, application.subscriber_id)
        if subscriber is None:
            raise GrantExpiredError
        if self._records.unseal_address(subscriber).reveal() == value:
            return Change(False, application.id)
        self._records.set_address(subscriber, value)
        actor = Actor.in_chat(chat_id).name
        self._audit.record(session, AuditAct.ADDRESS_CHANGED, application.id, actor, now)
        notice = NoticeKind.ADDRESS_CHANGED
        notified = await notify(session, notice, subscriber.id, {}, now, chat_id)
        return Change(True, application.id, notified)

    @override
    async def open_invoice(
        self, session: AsyncSession, grant_id: str, user_id: int, chat_id: int, now: datetime
    ) -> Invoice:
        _, application = await grants.require_grant(
            session, grant_id, AuthorityOperation.PAY, chat_id, now
        )
        _require_payable(application, now)
        fees = await find_fees(session, application.id)
        row = InvoiceRecord(
            payload=new_id(),
            application_id=application.id,
            user_id=user_id,
            chat_id=chat_id,
            amount=sum(fee.amount for fee in fees),
            currency=CURRENCY,
            created_at=now,
        )
        session.add(row)
        return Invoice(row.payload, fees, row.amount)

    @override
    async def approve_checkout(
        self, session: AsyncSession, checkout: Checkout, now: datetime
    ) -> Change:
        invoice, application = await find_invoice(session, checkout)
        refusal = find_refusal(invoice, application, checkout)
        if refusal is None and application and application.deadline <= now:
            refusal = CheckoutRefusal.OVERDUE
        if refusal is None and invoice and await _is_paid_elsewhere(session, invoice, now):
            refusal = CheckoutRefusal.UNDERWAY
        if refusal is not None or invoice is None or application is None:
            raise CheckoutRefusedError(refusal or CheckoutRefusal.UNKNOWN)
        if invoice.approved_at is None:
            actor = f"user {checkout.user_id}"
            self._audit.record(session, AuditAct.CHECKOUT_APPROVED, application.id, actor, now)
        changed = invoice.approved_at is None
        invoice.approved_at = steady_time(now)
        application.reserved_until = steady_time(now) + RESERVATION
        await schedule_expiry(session, application, now)
        return Change(changed, application.id)

    @override
    async def record_charge(
        self, session: AsyncSession, charge: Charge, now: datetime
    ) -> ChargeResult:
        payment, is_new = await self.record_once(session, charge, now)
        if not is_new:
            return await _add_fees(session, _to_result(payment, changed=False))
        invoice, application = await find_invoice(session, charge.checkout)
        payment.unmatched_reason = find_refusal(invoice, application, charge.checkout)
        actor = f"user {payment.user_id}"
        if payment.unmatched_reason is None and application is not None:
            payer = Actor(actor, invoice.chat_id if invoice else None)
            if invoice is not None:
                invoice.approved_at = None  # what was under way has arrived
            paid = await self._mark_paid(session, payment, application, payer, now)
            return await _add_fees(session, paid)
        details = {**_receipt_details(payment), "reason": str(payment.unmatched_reason)}
        subject = f"payment {payment.id}"
        self._audit.record(session, AuditAct.CHARGE_UNMATCHED, subject, actor, now, details)
        return _to_result(payment, changed=True)

    async def record_once(
        self, session: AsyncSession, charge: Charge, now: datetime
    ) -> tuple[Payment, bool]:
        """Return the row of a charge, locked, inserting it if it is new, and whether it was.

        Charges are locked before applications, here as everywhere.
        """
        new = (
            insert_or_ignore(session, Payment)
            .values(_row_values(charge, now))
            .returning(Payment.id)
        )
        inserted = (await session.execute(new)).first() is not None
        payment = await _lock_payment(session, charge.charge_id)
        assert payment is not None
        return payment, inserted

    async def settle(
        self,
        session: AsyncSession,
        payment: Payment,
        application: Application,
        actor: Actor,
        now: datetime,
    ) -> ChargeResult:
        """Record at the counter that a charge pays for an application, such as an unmatched one.

        :raises CheckoutRefusedError: for a charge of another amount, or of another application.
        :raises WrongStateError: when the application is paid by another charge, or refunded.
        """
        if payment.application_id == application.id and payment.refunded_at is None:
            return _to_result(payment, changed=False)
        if payment.application_id is not None or payment.refunded_at is not None:
            raise CheckoutRefusedError(CheckoutRefusal.NOT_YOURS)
        if application.state != ApplicationState.SUBMITTED:
            raise WrongStateError(application.state, ApplicationAct.PAY)
        owed = sum(fee.amount for fee in await find_fees(session, application.id))
        if (payment.amount, payment.currency) != (owed, CURRENCY):
            raise CheckoutRefusedError(CheckoutRefusal.AMOUNT)
        payment.unmatched_reason = None
        return await self._mark_paid(session, payment, application, actor, now)

    async def _mark_paid(
        self,
        session: AsyncSession,
        payment: Payment,
        application: Application,
        actor: Actor,
        now: datetime,
    ) -> ChargeResult:
        payment.application_id = application.id
        advance(application, ApplicationAct.PAY, now)
        application.reserved_until = None
        await schedule_expiry(session, application, now)
        details = _receipt_details(payment)
        self._audit.record(session, AuditAct.PAID, application.id, actor.name, now, details)
        references = {"payment": payment.id, **_receipt_details(payment)}
        subscriber = application.subscriber_id
        notified = await notify(session, NoticeKind.PAID, subscriber, references, now, actor.chat)
        return replace(_to_result(payment, changed=True), other_chats=notified)

    async def refund(
        self, session: AsyncSession, charge_id: str, actor: Actor, now: datetime
    ) -> ChargeResult:
        """Record that a charge is refunded at the provider.

        What it paid for is owed again, which is possible until the card is made
        (docs/facts.md §1.2).

        :raises UnknownChargeError: when there is no such charge.
        :raises WrongStateError: when the card is made.
        """
        payment = await _lock_payment(session, charge_id)
        if payment is None:
            raise UnknownChargeError
        if payment.refunded_at is not None:
            return _to_result(payment, changed=False)
        if payment.application_id is not None:
            application = await lock_row(session, Application, payment.application_id)
            assert application is not None
            advance(application, ApplicationAct.REFUND, now)
            await schedule_expiry(session, application, now)
        payment.refunded_at = now
        subject = payment.application_id or f"payment {payment.id}"
        details = _receipt_details(payment)
        self._audit.record(session, AuditAct.REFUNDED, subject, actor.name, now, details)
        return _to_result(payment, changed=True)


def _require_payable(application: Application, now: datetime) -> None:
    """Require that the fee is owed and can still be paid.

    :raises WrongStateError: where it is paid, or the application is over.
    :raises DeadlinePassedError: when it can no longer be paid.
    """
    if application.state != ApplicationState.SUBMITTED:
        raise WrongStateError(application.state, ApplicationAct.PAY)
    if application.deadline <= now:
        raise DeadlinePassedError(application.deadline)


async def _is_paid_elsewhere(session: AsyncSession, invoice: InvoiceRecord, now: datetime) -> bool:
    """Whether another invoice for the same application may be paid at this moment.

    The same one may be approved again, since a bank may have declined the first time.
    """
    same = InvoiceRecord.application_id == invoice.application_id
    other = (same, InvoiceRecord.payload != invoice.payload)
    recently = InvoiceRecord.approved_at > steady_time(now) - UNDERWAY
    query = select(InvoiceRecord.payload).where(*other, recently)
    return (await session.execute(query.limit(1))).first() is not None


async def find_fees(session: AsyncSession, application_id: str) -> tuple[Fee, ...]:
    """Return the fees of an application."""
    query = select(OwedFee).where(OwedFee.application_id == application_id)
    rows = await session.scalars(query.order_by(OwedFee.kind))
    return tuple(Fee(FeeKind(row.kind), row.amount) for row in rows)


async def find_invoice(
    session: AsyncSession, checkout: Checkout
) -> tuple[InvoiceRecord | None, Application | None]:
    """Return an invoice, and its application, locked."""
    invoice = await session.get(InvoiceRecord, checkout.payload[:32])
    if invoice is None or invoice.payload != checkout.payload:
        return None, None
    application = await lock_row(session, Application, invoice.application_id)
    # Who held the lock meanwhile may have changed it, or deleted it with its application.
    return await session.get(InvoiceRecord, invoice.payload, populate_existing=True), application


def find_refusal(
    invoice: InvoiceRecord | None, application: Application | None, checkout: Checkout
) -> CheckoutRefusal | None:
    """Return why money does not match an invoice; `None` where it does."""
    if invoice is None or application is None:
        return CheckoutRefusal.UNKNOWN
    if invoice.user_id != checkout.user_id:
        return CheckoutRefusal.NOT_YOURS
    if (invoice.amount, invoice.currency) != (checkout.amount, checkout.currency):
        return CheckoutRefusal.AMOUNT
    if application.state != ApplicationState.SUBMITTED:
        return CheckoutRefusal.PAID
    return None


async def _add_fees(session: AsyncSession, result: ChargeResult) -> ChargeResult:
    if result.application is None:
        return result
    return replace(result, fees=await find_fees(session, result.application))


async def _lock_payment(session: AsyncSession, charge_id: str) -> Payment | None:
    query = select(Payment).where(Payment.charge_id == charge_id).with_for_update()
    query = query.execution_options(populate_existing=True)
    return (await session.scalars(query)).one_or_none()


def _row_values(charge: Charge, now: datetime) -> dict[str, Any]:
    checkout = charge.checkout
    return {
        "charge_id": charge.charge_id,
        "provider_charge_id": charge.provider_charge_id,
        "payload": checkout.payload[:128],
        "user_id": checkout.user_id,
        "amount": checkout.amount,
        "currency": checkout.currency,
        "received_at": now,
    }


def _receipt_details(payment: Payment) -> dict[str, str | int]:
    return {"receipt": format_receipt_number(payment), "amount": payment.amount}


def format_receipt_number(payment: Payment) -> str:
    """Return the receipt number of a charge: the day in Taipei and a running number."""
    return f"{today(payment.received_at):%Y%m%d}-{payment.id:06d}"


def _to_result(payment: Payment, *, changed: bool) -> ChargeResult:
    return ChargeResult(
        receipt=format_receipt_number(payment),
        matched=payment.application_id is not None,
        changed=changed,
        amount=payment.amount,
        currency=payment.currency,
        application=payment.application_id,
        reason=payment.unmatched_reason,
    )


@dataclass(frozen=True)
class PaymentView:
    """A charge as the counter sees it."""

    charge_id: str
    receipt: str
    amount: int
    currency: str
    received_at: datetime
    application: str | None
    unmatched_reason: str | None
    refunded_at: datetime | None


async def list_payments(session: AsyncSession, application_id: str | None) -> list[PaymentView]:
    """Return the charges of an application; for `None`, those that match none."""
    query = select(Payment).where(Payment.application_id == application_id).order_by(Payment.id)
    return [
        PaymentView(
            charge_id=row.charge_id,
            receipt=format_receipt_number(row),
            amount=row.amount,
            currency=row.currency,
            received_at=row.received_at,
            application=row.application_id,
            unmatched_reason=row.unmatched_reason,
            refunded_at=row.refunded_at,
        )
        for row in await session.scalars(query)
    ]
