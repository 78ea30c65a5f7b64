"""Charges: money that was taken, what it pays for, and refunds. Each is recorded once, for good."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.embedded.audit.actors import Actor
from services.authority.embedded.audit.audit import Act, Audit
from services.authority.embedded.models import Application, Payment
from services.authority.embedded.notifications.notices import notify
from services.authority.embedded.payments.applications import advance, watch_deadline
from services.authority.embedded.payments.invoices import fees_of, invoiced, refusal_of
from services.authority.embedded.personal_data.records import locked_application
from services.authority.errors import (
    CheckoutRefusal,
    CheckoutRefusedError,
    UnknownChargeError,
    WrongStateError,
)
from services.authority.lifecycle import ApplicationAct, ApplicationState
from services.authority.notices import Notice
from services.authority.values import CURRENCY, Charge, ChargeResult
from services.calendar import today
from services.storage.inserting import insert_new


class Charges:
    """The acts on money that was taken."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    async def record_charge(
        self, session: AsyncSession, charge: Charge, now: datetime
    ) -> ChargeResult:
        """Carry out `OnlineAuthority.record_charge`.

        The state of the application decides, not the clock: money that was taken for an
        application that is still there pays for it.
        """
        payment, is_new = await self.take(session, charge, now)
        if not is_new:
            return await _with_fees(session, _result(payment, changed=False))
        invoice, application = await invoiced(session, charge.checkout)
        payment.unmatched_reason = refusal_of(invoice, application, charge.checkout)
        actor = f"user {payment.user_id}"
        if payment.unmatched_reason is None and application is not None:
            payer = Actor(actor, invoice.chat_id if invoice else None)
            if invoice is not None:
                invoice.approved_at = None  # what was under way has arrived
            paid = await self._pay(session, payment, application, payer, now)
            return await _with_fees(session, paid)
        details = {**_audited(payment), "reason": str(payment.unmatched_reason)}
        subject = f"payment {payment.id}"
        self._audit.record(session, Act.CHARGE_UNMATCHED, subject, actor, now, details)
        return _result(payment, changed=True)

    async def take(
        self, session: AsyncSession, charge: Charge, now: datetime
    ) -> tuple[Payment, bool]:
        """Write a charge down once, locked, and tell whether it is new.

        Charges are locked before applications, here as everywhere.
        """
        new = insert_new(session, Payment).values(_values(charge, now)).returning(Payment.id)
        inserted = (await session.execute(new)).first() is not None
        payment = await _locked(session, charge.charge_id)
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
        """Record at the counter that a charge pays for an application, as one kept unmatched may.

        :raises CheckoutRefusedError: for a charge of another amount, or of another application.
        :raises WrongStateError: when the application is paid by another charge, or refunded.
        """
        if payment.application_id == application.id and payment.refunded_at is None:
            return _result(payment, changed=False)
        if payment.application_id is not None or payment.refunded_at is not None:
            raise CheckoutRefusedError(CheckoutRefusal.NOT_YOURS)
        if application.state != ApplicationState.SUBMITTED:
            raise WrongStateError(application.state, ApplicationAct.PAY)
        owed = sum(fee.amount for fee in await fees_of(session, application.id))
        if (payment.amount, payment.currency) != (owed, CURRENCY):
            raise CheckoutRefusedError(CheckoutRefusal.AMOUNT)
        payment.unmatched_reason = None
        return await self._pay(session, payment, application, actor, now)

    async def _pay(
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
        await watch_deadline(session, application)
        details = _audited(payment)
        self._audit.record(session, Act.PAID, application.id, actor.name, now, details)
        references = {"payment": payment.id, **_told(payment)}
        subscriber = application.subscriber_id
        told = await notify(session, Notice.PAID, subscriber, references, now, actor.chat)
        return replace(_result(payment, changed=True), other_chats=told)

    async def refund(
        self, session: AsyncSession, charge_id: str, actor: Actor, now: datetime
    ) -> ChargeResult:
        """Record that a charge goes back at the provider.

        What it paid for is owed again, which is possible until the card is made
        (docs/facts.md §1.2).

        :raises UnknownChargeError: when there is no such charge.
        :raises WrongStateError: when the card is made.
        """
        payment = await _locked(session, charge_id)
        if payment is None:
            raise UnknownChargeError
        if payment.refunded_at is not None:
            return _result(payment, changed=False)
        if payment.application_id is not None:
            application = await locked_application(session, payment.application_id)
            assert application is not None
            advance(application, ApplicationAct.REFUND, now)
            await watch_deadline(session, application)
        payment.refunded_at = now
        subject = payment.application_id or f"payment {payment.id}"
        details = _audited(payment)
        self._audit.record(session, Act.REFUNDED, subject, actor.name, now, details)
        return _result(payment, changed=True)


async def _with_fees(session: AsyncSession, result: ChargeResult) -> ChargeResult:
    if result.application is None:
        return result
    return replace(result, fees=await fees_of(session, result.application))


async def _locked(session: AsyncSession, charge_id: str) -> Payment | None:
    query = select(Payment).where(Payment.charge_id == charge_id).with_for_update()
    query = query.execution_options(populate_existing=True)
    return (await session.scalars(query)).one_or_none()


def _values(charge: Charge, now: datetime) -> dict[str, Any]:
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


def _audited(payment: Payment) -> dict[str, str | int | bool | None]:
    return {**_told(payment)}


def _told(payment: Payment) -> dict[str, str | int]:
    return {"receipt": receipt_number(payment), "amount": payment.amount}


def receipt_number(payment: Payment) -> str:
    """Give the receipt number of a charge: the day in Taipei and a running number."""
    return f"{today(payment.received_at):%Y%m%d}-{payment.id:06d}"


def _result(payment: Payment, *, changed: bool) -> ChargeResult:
    return ChargeResult(
        receipt=receipt_number(payment),
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


async def payments_of(session: AsyncSession, application_id: str | None) -> list[PaymentView]:
    """Give the charges for an application, or those that fit nothing."""
    query = select(Payment).where(Payment.application_id == application_id).order_by(Payment.id)
    return [
        PaymentView(
            charge_id=row.charge_id,
            receipt=receipt_number(row),
            amount=row.amount,
            currency=row.currency,
            received_at=row.received_at,
            application=row.application_id,
            unmatched_reason=row.unmatched_reason,
            refunded_at=row.refunded_at,
        )
        for row in await session.scalars(query)
    ]
