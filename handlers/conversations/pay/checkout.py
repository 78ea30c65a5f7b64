"""Payments: the answer to Telegram's pre-checkout query, and the receipt.

Telegram waits ten seconds for the answer to a `pre_checkout_query` before it charges the person,
and sends a `successful_payment` afterwards. A charge is recorded in any state, and only once.
"""

import asyncio
from collections.abc import Mapping

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from telegram import Message, PreCheckoutQuery, Update
from telegram.error import BadRequest, NetworkError, RetryAfter

from handlers.context import Context
from handlers.conversations.pay import online as pay
from handlers.engine.session import conversation_session
from handlers.identity.step_data import MASKED
from handlers.screen.text import N_, Markup, label, say
from handlers.screen.view import View, button, send, view
from services.authority.data_types import Charge, ChargeResult, Checkout, Fee
from services.authority.errors import CheckoutRefusal, CheckoutRefusedError
from services.authority.interface.payments import Payments
from services.conversations import ConversationState
from services.messaging import staff_alerts
from services.messaging.outbox import References
from services.messaging.staff_alerts import StaffAlert
from services.supervisor import OwnedTasks

DECIDE_SECONDS = 4.0
"""The time limit of the decision; after it the checkout is refused."""
CONNECT_SECONDS, ANSWER_SECONDS, ANSWER_TRIES = 1.0, 1.5, 2
"""The time limits of one attempt to answer; with the decision, all attempts take under 10 s."""

_BUSY = N_(
    "The payment could not be confirmed in time, so nothing was charged. Please press Pay "
    "again in a minute."
)
_NOT_HERE = N_("This bot does not accept payments. Nothing was charged.")
_REFUSALS: Mapping[CheckoutRefusal, str] = {
    CheckoutRefusal.UNKNOWN: N_(
        "This invoice has expired. Nothing was charged. Send /start and start the payment again."
    ),
    CheckoutRefusal.NOT_YOURS: N_(
        "This invoice is for another person. Nothing was charged. Send /start to pay your own fee."
    ),
    CheckoutRefusal.AMOUNT: N_(
        "The amount is not correct. Nothing was charged. Send /start and start the payment again."
    ),
    CheckoutRefusal.PAID: N_("The fee is already paid. Nothing more was charged."),
    CheckoutRefusal.UNDERWAY: N_(
        "Another invoice for this application is being paid right now, so nothing was charged "
        "here. Wait ten minutes, or pay with that invoice."
    ),
    CheckoutRefusal.OVERDUE: N_(
        "The payment deadline has passed, so nothing was charged. Apply again in person at a "
        "service station."
    ),
}
_UNMATCHED_REASONS: Mapping[str | None, str] = {
    CheckoutRefusal.PAID: N_("The fee was already paid, so this is a second payment."),
    CheckoutRefusal.NOT_YOURS: N_("The invoice was for another person."),
    CheckoutRefusal.AMOUNT: N_("The amount was not correct."),
}
_NO_APPLICATION = N_(
    "No open application was found for this payment. The payment deadline may have passed."
)

_decisions = OwnedTasks()
_log = structlog.get_logger()


async def on_pre_checkout(update: Update, context: Context) -> None:
    """Approve or refuse a checkout before Telegram's time limit, also where the check fails."""
    query = update.pre_checkout_query
    assert query is not None
    refusal = await _decide(query, context)
    language = context.language(update)
    await _answer(query, None if refusal is None else label(language, refusal))


async def _decide(query: PreCheckoutQuery, context: Context) -> str | None:
    """Return the reason to refuse the checkout, `None` where it is approved."""
    authority = context.services.authority
    if authority is None:
        return _NOT_HERE
    is_late = asyncio.Event()
    approving = _approve(query, context, authority.payments, is_late)
    task = _decisions.start("checkout", approving)
    await asyncio.wait({task}, timeout=DECIDE_SECONDS)
    if not task.done():
        # Not awaited, since a stuck database also delays the rollback; not cancelled, since that
        # may leave the database locked.
        is_late.set()
        _log.error("checkout_not_decided_in_time")
        return _BUSY
    if task.cancelled() or task.exception() is not None:  # which is in the log already
        return _BUSY
    refusal = task.result()
    if refusal is None:
        return None
    _log.info("checkout_refused", reason=str(refusal))
    return _REFUSALS[refusal]


class _TooLateError(Exception):
    """The checkout was refused already; rolls its reservation back."""


async def _approve(
    query: PreCheckoutQuery, context: Context, payments: Payments, is_late: asyncio.Event
) -> CheckoutRefusal | None:
    """Reserve the invoice for this checkout, or return the reason to refuse it."""
    services = context.services
    checkout = Checkout(
        query.invoice_payload, query.from_user.id, query.total_amount, query.currency
    )
    try:
        async with services.database.unit_of_work(is_urgent=True) as session:
            await payments.approve_checkout(session, checkout, services.now())
            if is_late.is_set():
                raise _TooLateError
    except CheckoutRefusedError as error:
        return error.reason
    except _TooLateError:
        _log.info("checkout_taken_back")
    return None


async def _answer(query: PreCheckoutQuery, refusal: str | None) -> None:
    """Answer the query; a network error is retried while Telegram waits."""
    for _ in range(ANSWER_TRIES):
        try:
            await query.answer(
                refusal is None,
                refusal,
                read_timeout=ANSWER_SECONDS,
                connect_timeout=CONNECT_SECONDS,
            )
        except BadRequest as error:  # answered already, or too late: nothing is charged
            _log.warning("checkout_answer_too_late", reason=error.message)
        except RetryAfter:
            break
        except NetworkError:
            continue
        return
    _log.error("checkout_not_answered")


async def on_successful_payment(update: Update, context: Context) -> None:
    """Record a charge and send the receipt."""
    message = update.effective_message
    if not isinstance(message, Message) or message.from_user is None:
        return
    context.step_shown = True  # a step that says "press Pay" would be misunderstood below
    charge = _parse_charge(message)
    language = context.language(update)
    authority = context.services.authority
    if authority is None:
        await _alert_unrecorded(context, charge)
        shown = view(_unrecorded_text(charge, language))
    else:
        result = await _record(update, context, authority.payments, charge)
        if result.matched:
            shown = receipt_view(result, language)
        else:
            shown = view(unmatched_text(result, language))
    context.services.confirm_charge_recorded(update.update_id)
    await send(update, context, shown)


def _parse_charge(message: Message) -> Charge:
    payment, payer = message.successful_payment, message.from_user
    assert payment is not None
    assert payer is not None
    checkout = Checkout(payment.invoice_payload, payer.id, payment.total_amount, payment.currency)
    return Charge(payment.telegram_payment_charge_id, payment.provider_payment_charge_id, checkout)


async def _record(
    update: Update, context: Context, payments: Payments, charge: Charge
) -> ChargeResult:
    """Record a charge, and finish the conversation of its invoice in the same transaction."""
    session = conversation_session(update, context)
    if session is None:
        async with context.services.database.unit_of_work() as database_session:
            return await _record_charge(database_session, payments, charge, context)
    while True:
        async with session.transaction() as machine:
            result = await _record_charge(machine.session, payments, charge, context)
            state = session.state
            if state is not None and _is_paid_by(state, charge, result):
                session.state = await machine.begin(state, (pay.NAME, pay.PAID))
            return result
        # Another process changed the conversation meanwhile, so that nothing was recorded: retry.


async def _record_charge(
    session: AsyncSession, payments: Payments, charge: Charge, context: Context
) -> ChargeResult:
    result = await payments.record_charge(session, charge, context.services.now())
    if result.changed and not result.matched:
        await _alert_unmatched(session, charge, result, context)
    return result


def _is_paid_by(state: ConversationState, charge: Charge, result: ChargeResult) -> bool:
    """Whether the open conversation of the payer is about the application that was paid for.

    Before a code was typed nobody knows; then it is where no UI No. was typed either.
    """
    if not state.is_open or not result.matched or state.conversation != pay.NAME:
        return False
    if state.data.get(pay.INVOICE) == charge.checkout.payload:
        return True
    is_same = state.data.get(pay.APPLICATION, result.application) == result.application
    return is_same and MASKED not in state.data


async def _alert_unmatched(
    session: AsyncSession, charge: Charge, result: ChargeResult, context: Context
) -> None:
    references: References = {
        "receipt": result.receipt,
        "reason": str(result.reason),
        "charge": charge.charge_id,
        "amount": result.amount,
        "currency": result.currency,
    }
    await staff_alerts.enqueue_alert(
        session, StaffAlert.CHARGE_UNMATCHED, references, context.services.now()
    )


async def _alert_unrecorded(context: Context, charge: Charge) -> None:
    """Alert staff to a charge that arrived in guide mode, where no payments are recorded."""
    services, checkout = context.services, charge.checkout
    references: References = {
        "charge": charge.charge_id,
        "provider_charge": charge.provider_charge_id,
        "amount": checkout.amount,
        "currency": checkout.currency,
        "user": checkout.user_id,
    }
    _log.error("charge_unrecorded", about=references)
    async with services.database.unit_of_work() as session:
        await staff_alerts.enqueue_alert(
            session, StaffAlert.CHARGE_UNRECORDED, references, services.now()
        )


def receipt_view(result: ChargeResult, language: str) -> View:
    """Return the receipt of a charge that paid for an application."""
    text = say(
        language,
        "✅ <b>Payment received: {amount}</b>\n"
        "{parts}Receipt number: <code>{receipt}</code>\n"
        "\n"
        "We also email the receipt. Your card arrives in about {delivery}. Then "
        "activate it (開卡).\n"
        "\n"
        "<b>Keep the application form</b>: you need its subscriber code to activate the card, "
        "and later to suspend, reactivate or unlock it.",
        amount=pay.format_amount(result.amount, result.currency),
        parts=Markup("".join(_fee_line(fee, result.currency, language) for fee in result.fees)),
        receipt=result.receipt,
    )
    return view(text, [button(label(language, "📍 Check my status"), "go", "status")])


def _fee_line(fee: Fee, currency: str, language: str) -> Markup:
    amount = pay.format_amount(fee.amount, currency)
    return Markup(f"• {label(language, pay.FEE_LABELS[fee.kind])} {amount}\n")


def unmatched_text(result: ChargeResult, language: str) -> Markup:
    """Return the message for a charge that pays for no application."""
    return say(
        language,
        "⚠️ <b>We received {amount}, but found nothing to pay.</b> {why}\n"
        "\n"
        "Your money is safe: it's recorded under receipt number <code>{receipt}</code>, and "
        "our staff have been notified. <b>Please don't pay again.</b> Questions? Call "
        "{hotline} and give this number.",
        amount=pay.format_amount(result.amount, result.currency),
        why=say(language, _UNMATCHED_REASONS.get(result.reason, _NO_APPLICATION)),
        receipt=result.receipt,
    )


def _unrecorded_text(charge: Charge, language: str) -> Markup:
    checkout = charge.checkout
    return say(
        language,
        "⚠️ <b>We received {amount}, but this bot does not accept payments.</b> Our staff have "
        "been notified. <b>Please don't pay again.</b> Keep this payment number: "
        "<code>{charge}</code>",
        amount=pay.format_amount(checkout.amount, checkout.currency),
        charge=charge.charge_id,
    )
