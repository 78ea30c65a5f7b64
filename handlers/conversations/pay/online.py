"""Paying the card fee (線上繳費): the amount due, the address, the invoice, and reminders.

The payment itself arrives as updates of their own: `handlers.conversations.pay.checkout`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from telegram import LabeledPrice
from telegram.constants import ParseMode
from telegram.error import BadRequest

from handlers.context import Context
from handlers.conversations.pay.address import parse_typed_address
from handlers.engine.model import (
    ButtonTransition,
    Conversation,
    SecretInput,
    StatusMessage,
    Step,
    StepContext,
    StepResult,
)
from handlers.identity.chat_verification import chat_verification_steps
from handlers.identity.code_verification import FORGOTTEN_BUTTON, CodeVerification
from handlers.identity.error_messages import ErrorSteps
from handlers.identity.step_data import GRANT, SECRET_TIMEOUT
from handlers.screen.dates import format_date, format_dates
from handlers.screen.text import N_, Markup, label, say
from services.authority.data_types import CURRENCY, AuthorityOperation, Fee, FeeKind
from services.authority.errors import AuthorityError
from services.authority.interface.authority import Authority
from services.authority.lifecycle import ApplicationState
from services.calendar import today
from services.formats.hidden import Hidden
from services.messaging import payment_reminders
from services.messaging.payment_reminders import Reminder
from services.storage.database import Database

NAME = "pay"
PAID = "paid"
"""The final step after the payment."""
LAST_DAY, APPLICATION, REMINDED = "last_day", "application", "reminded"
ADDRESS, TYPED_ADDRESS = "address", "typed"
"""Step data; both addresses are sealed."""
INVOICE = "invoice"
"""Step data: the payload of the invoice, its id at the authority."""
_START = "do-pay"
"""The deep link of a forwarded copy of an invoice, which cannot be paid."""
PRIVATE_KEYS = (GRANT, ADDRESS, TYPED_ADDRESS, INVOICE)
_ERROR_TARGETS = ("who", PAID, "made", "overdue")
_ERRORS = ErrorSteps(
    states={ApplicationState.PAID: PAID},
    other_state="made",
    overdue="overdue",
    clear_data=PRIVATE_KEYS,
)
FEE_LABELS: Mapping[FeeKind, str] = {
    FeeKind.CARD: N_("Card fee (工本費)"),
    FeeKind.POSTAGE: N_("Postage (郵資)"),
}
_log = structlog.get_logger()


def pay_conversation(authority: Authority, database: Database) -> Conversation:
    """Return the conversation, for a bot with a payment provider."""
    steps = PaymentSteps(authority, database)
    verification = CodeVerification(
        authority,
        AuthorityOperation.PAY,
        target="owed",
        on_verified=steps.look_up_amount_due,
        also_targets=(PAID, "made", "overdue"),
        introduction=_INTRODUCTION,
        buttons=(FORGOTTEN_BUTTON,),
    )
    return Conversation(
        name=NAME,
        title=N_("💳 Pay the card fee"),
        initial="who",
        steps={
            **verification.steps,
            **chat_verification_steps(authority),
            "owed": _amount_due_step(steps),
            "address": _address_step(steps),
            "confirm": _confirm_step(steps),
            "invoice": _invoice_step(),
            "later": Step(later_text, links=(NAME,)),
            PAID: Step(_PAID, links=("status",)),
            "made": Step(_MADE, links=("activate", "status")),
            "overdue": Step(_OVERDUE),
        },
        timeout=SECRET_TIMEOUT,
    )


_INTRODUCTION = N_(
    "💳 <b>Pay the card fee (繳費)</b>: {fee}. You check amount and address before you pay."
)
_PAID = N_(
    "✅ <b>The fee is paid.</b> Your card arrives in about {delivery}.\n"
    "\n"
    "<b>Keep the application form</b>: you need its subscriber code to activate the card (開卡), "
    "and later to suspend, reactivate or unlock it."
)
_MADE = N_(
    "📮 <b>There is nothing to pay.</b> The fee is paid and your card is made. When it arrives, "
    "activate it (開卡)."
)
_OVERDUE = N_(
    "⌛ <b>The payment deadline has passed</b>, so nothing was charged. The application and its "
    "data are deleted. Apply again in person at any NIA service station; you'll get a new code "
    "there. Questions? Call {hotline}."
)
_ADDRESS = N_(
    "✏️ <b>Type your mailing address</b> in one message, with street and number, best in "
    "Chinese and with the postal code. Your message is deleted right away, and you can check "
    "the address before it changes."
)
_INVOICE = N_(
    "🧾 <b>Your invoice is below.</b> Press Pay on it. Telegram opens a secure form of the "
    "payment provider; I can't see your card number.\n"
    "\n"
    "You get the receipt here and by e-mail. If the bank takes time, please wait and don't pay "
    "twice."
)
_NO_INVOICE = N_(
    "⚠️ <b>The invoice could not be created</b>: the payment provider is not available right "
    "now. Nothing was charged, and your deadline stays the same. Please try again later, or "
    "call {hotline}."
)


def later_text(ctx: StepContext) -> Markup:
    """Return that nothing was charged, and until when the fee can be paid."""
    last_day = date.fromisoformat(ctx.data[LAST_DAY])
    text = say(
        ctx.language,
        "👍 Nothing was charged. Please come back and pay by <b>{last}</b>.",
        last=format_date(last_day, ctx.language),
    )
    return Markup(f"{text} {_reminders_text(ctx)}".strip())


@dataclass(frozen=True)
class PaymentSteps:
    """The actions and texts of the steps: amount due, address, invoice and reminders."""

    authority: Authority
    database: Database

    async def look_up_amount_due(self, grant: str, ctx: StepContext) -> StepResult:
        """Return where a right code leads: to the amount due, or why nothing can be paid."""
        try:
            async with self.database.unit_of_work() as session:
                return StepResult("owed", await self._amount_due_data(session, grant, ctx))
        except AuthorityError as error:
            return _ERRORS.result_for(error, ctx)

    async def open_invoice(self, session: AsyncSession, ctx: StepContext) -> StepResult:
        """Create the invoice; `send_fee_invoice` sends it."""
        open_invoice = self.authority.payments.open_invoice
        grant = ctx.data[GRANT]
        try:
            invoice = await open_invoice(session, grant, ctx.user_id, ctx.chat_id, ctx.now)
        except AuthorityError as error:
            return _ERRORS.result_for(error, ctx)
        return StepResult("invoice", {INVOICE: invoice.payload, **_fee_data(invoice.fees)})

    async def keep_address(self, address: Hidden, ctx: StepContext) -> StepResult:
        """Store a typed address, sealed, until it is confirmed."""
        sealed = self.authority.sealed_input.seal(address, ctx.chat_id)
        return StepResult("confirm", {TYPED_ADDRESS: sealed})

    async def change_address(self, session: AsyncSession, ctx: StepContext) -> StepResult:
        """Change the address to the confirmed one."""
        grant = ctx.data[GRANT]
        try:
            address = self._unseal(ctx, TYPED_ADDRESS)
            change = self.authority.payments.change_address
            await change(session, grant, address, ctx.chat_id, ctx.now)
            data = await self._amount_due_data(session, grant, ctx)
        except AuthorityError as error:
            return _ERRORS.result_for(error, ctx)
        message = StatusMessage(N_("✏️ The address was changed."))
        return StepResult("owed", data, message, clear_data=(TYPED_ADDRESS,))

    async def turn_reminders_off(self, session: AsyncSession, ctx: StepContext) -> StepResult:
        """Turn the reminders of the application off."""
        await payment_reminders.turn_off_reminders(session, _reminder(ctx))
        return StepResult("owed", {REMINDED: "no"})

    async def turn_reminders_on(self, session: AsyncSession, ctx: StepContext) -> StepResult:
        """Turn the reminders on again."""
        await payment_reminders.schedule_reminders(session, _reminder(ctx), ctx.now)
        return StepResult("owed", {REMINDED: "yes"})

    def amount_due_text(self, ctx: StepContext) -> Markup:
        """Return the amount due, the deadline, and the address of the card."""
        last_day = date.fromisoformat(ctx.data[LAST_DAY])
        card, postage = int(ctx.data[FeeKind.CARD]), int(ctx.data[FeeKind.POSTAGE])
        text = say(
            ctx.language,
            "💳 <b>To pay: {total}</b>\n"
            "• card fee (工本費) {card}\n"
            "• postage (郵資) {postage}\n"
            "\n"
            "⏳ Last day: <b>{last}</b>, days left: <b>{left}</b>. After that the "
            "application is deleted.\n"
            "\n"
            "📮 Your card will be sent to:\n"
            "<b>{address}</b>\n"
            "Is this address correct?",
            total=format_amount(card + postage, CURRENCY),
            card=format_amount(card, CURRENCY),
            postage=format_amount(postage, CURRENCY),
            last=format_date(last_day, ctx.language),
            left=max((last_day - today(ctx.now)).days, 0),
            address=self._unseal(ctx, ADDRESS),
        )
        return Markup(f"{text}\n\n{_reminders_text(ctx)}".strip())

    def confirm_text(self, ctx: StepContext) -> Markup:
        """Return the question whether to use the typed address."""
        return say(
            ctx.language,
            "📮 <b>Send the card to this address?</b>\n{address}",
            address=self._unseal(ctx, TYPED_ADDRESS),
        )

    def _unseal(self, ctx: StepContext, key: str) -> str:
        return self.authority.sealed_input.unseal(ctx.data[key], ctx.chat_id).reveal()

    async def _amount_due_data(
        self, session: AsyncSession, grant: str, ctx: StepContext
    ) -> dict[str, str]:
        """Return the step data with the amount due; schedule reminders unless they are off."""
        due = await self.authority.payments.get_amount_due(session, grant, ctx.chat_id, ctx.now)
        reminder = _create_reminder(due.application, due.last_day, ctx)
        is_scheduled = await payment_reminders.schedule_unless_off(session, reminder, ctx.now)
        return {
            APPLICATION: due.application,
            LAST_DAY: due.last_day.isoformat(),
            ADDRESS: self.authority.sealed_input.seal(due.address, ctx.chat_id),
            REMINDED: "yes" if is_scheduled else "no",
            **_fee_data(due.fees),
        }


def _fee_data(fees: Iterable[Fee]) -> dict[str, str]:
    return {fee.kind: str(fee.amount) for fee in fees}


def has_reminders(ctx: StepContext) -> bool:
    """Return whether reminders are on."""
    return ctx.data.get(REMINDED) == "yes"


def has_days_left(ctx: StepContext) -> bool:
    """Return whether a reminder can still be sent before the deadline."""
    return bool(payment_reminders.reminder_times(date.fromisoformat(ctx.data[LAST_DAY]), ctx.now))


def _reminders_text(ctx: StepContext) -> str:
    """Return the days of the reminders; an empty text where there are none."""
    days = payment_reminders.reminder_times(date.fromisoformat(ctx.data[LAST_DAY]), ctx.now)
    if not days or not has_reminders(ctx):
        return ""
    return say(
        ctx.language,
        "🔔 Not paid by then? You'll get reminders here: {days}, 10 a.m.",
        days=format_dates((day.date() for day in days), ctx.language),
    )


def _reminder(ctx: StepContext) -> Reminder:
    return _create_reminder(ctx.data[APPLICATION], date.fromisoformat(ctx.data[LAST_DAY]), ctx)


def _create_reminder(application: str, last_day: date, ctx: StepContext) -> Reminder:
    return Reminder(ctx.chat_id, ctx.user_id, ctx.client_language, last_day, application)


def _amount_due_step(steps: PaymentSteps) -> Step:
    pay_here = ButtonTransition(
        "pay",
        N_("✅ Correct: pay now"),
        "invoice",
        steps.open_invoice,
        after_commit=send_fee_invoice,
        also_targets=_ERROR_TARGETS,
    )
    return Step(
        steps.amount_due_text,
        (
            pay_here,
            ButtonTransition("address", N_("✏️ Change the address"), "address"),
            ButtonTransition(
                "off",
                N_("🔕 Turn off reminders"),
                "owed",
                steps.turn_reminders_off,
                when=has_reminders,
            ),
            ButtonTransition(
                "on",
                N_("🔔 Remind me"),
                "owed",
                steps.turn_reminders_on,
                when=lambda ctx: not has_reminders(ctx) and has_days_left(ctx),
            ),
            ButtonTransition("later", N_("⏰ Pay later"), "later", _postpone),
        ),
        requires=(GRANT, LAST_DAY),
    )


def _address_step(steps: PaymentSteps) -> Step:
    secret = SecretInput(parse_typed_address, steps.keep_address, "confirm")
    return Step(_ADDRESS, secret_input=secret, requires=(GRANT, LAST_DAY))


def _confirm_step(steps: PaymentSteps) -> Step:
    return Step(
        steps.confirm_text,
        (
            ButtonTransition(
                "use",
                N_("✅ Use this address"),
                "owed",
                steps.change_address,
                also_targets=_ERROR_TARGETS,
            ),
            ButtonTransition("again", N_("✏️ Type it again"), "address"),
        ),
        requires=(GRANT, TYPED_ADDRESS),
    )


def _invoice_step() -> Step:
    send_again = ButtonTransition(
        "again", N_("🔁 Resend the invoice"), "invoice", after_commit=send_fee_invoice
    )
    return Step(_INVOICE, (send_again,), requires=(INVOICE,))


async def send_fee_invoice(context: Context, ctx: StepContext) -> None:
    """Send the invoice of the step, or an apology where the payment provider rejects it.

    It is itemised and protected from forwarding. Of several copies only one can be paid.
    """
    provider = context.services.payment_provider
    fees = {kind: int(ctx.data[kind]) for kind in FeeKind if kind in ctx.data}
    labels = {kind: label(ctx.language, FEE_LABELS[kind]) for kind in fees}
    try:
        await context.bot.send_invoice(
            ctx.chat_id,
            title=label(ctx.language, "Card fee and postage"),
            description=label(
                ctx.language,
                "Alien citizen natural person certificate (外來人口自然人憑證). Pay by {last}. "
                "Only for you, in this chat, once.",
                last=ctx.data[LAST_DAY],
            ),
            payload=ctx.data[INVOICE],
            provider_token=provider.reveal() if provider else "",
            currency=CURRENCY,
            prices=[LabeledPrice(labels[kind], fees[kind]) for kind in fees],
            start_parameter=_START,
            protect_content=True,
        )
    except BadRequest as error:
        _log.error("invoice_refused", reason=error.message)
        await context.bot.send_message(
            ctx.chat_id, say(ctx.language, _NO_INVOICE), parse_mode=ParseMode.HTML
        )


async def _postpone(_session: AsyncSession, _ctx: StepContext) -> StepResult:
    return StepResult("later", clear_data=PRIVATE_KEYS)


def format_amount(amount: int, currency: str) -> str:
    """Format an amount in the currency's smallest unit: 27800 TWD as ``NT$278``."""
    whole, cents = divmod(amount, 100)
    number = f"{whole:,}" if not cents else f"{whole:,}.{cents:02}"
    return f"NT${number}" if currency == "TWD" else f"{number} {currency}"
