"""Pay the card fee (線上繳費): the amount due, the address, the invoice, and reminders.

The payment itself arrives as updates of their own: `handlers.conversations.pay.checkout`.
"""

from dataclasses import dataclass
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.context import Context
from handlers.conversations.pay.address import parse_typed_address
from handlers.conversations.pay.invoice import send_invoice
from handlers.engine.model import (
    ButtonTransition,
    Conversation,
    SecretInput,
    StatusMessage,
    Step,
    StepContext,
    StepResult,
)
from handlers.identity.code import CodeVerification
from handlers.identity.error_messages import ErrorSteps
from handlers.identity.step_data import GRANT, SECRET_TIMEOUT
from handlers.screen.dates import format_date, format_dates
from handlers.screen.text import N_, Markup, say
from services.authority.errors import (
    AuthorityError,
)
from services.authority.interface.authority import Authority
from services.authority.lifecycle import ApplicationState
from services.authority.values import CURRENCY, AmountDue, AuthorityOperation, FeeKind
from services.calendar import today
from services.formats import money
from services.formats.hidden import Hidden
from services.messaging import reminders
from services.messaging.reminders import Reminder
from services.storage.database import Database

NAME = "pay"
PAID = "paid"
"""The final step after the payment."""
LAST_DAY, APPLICATION, REMINDED = "last_day", "application", "reminded"
ADDRESS, TYPED_ADDRESS = "address", "typed"
"""Step data; both addresses are sealed."""
INVOICE = "invoice"
"""The payload of the invoice that was made."""
PRIVATE_KEYS = (GRANT, ADDRESS, TYPED_ADDRESS, INVOICE)
_ERROR_TARGETS = ("who", PAID, "made", "overdue")
_ERRORS = ErrorSteps(
    states={ApplicationState.PAID: PAID},
    other_state="made",
    overdue="overdue",
    clear_data=PRIVATE_KEYS,
)


def pay(authority: Authority, database: Database, takes_money: bool) -> Conversation:
    """Return the conversation.

    :param takes_money: whether there is a payment provider.
    """
    steps = PaymentSteps(authority, database)
    verification = CodeVerification(
        authority,
        AuthorityOperation.PAY,
        target="owed",
        on_verified=steps.look_up_amount_due,
        also_targets=(PAID, "made", "overdue"),
        introduction=_LEAD,
    )
    return Conversation(
        name=NAME,
        title=N_("💳 Pay for the card (繳費)"),
        initial="who",
        steps={
            **verification.steps,
            "owed": _owed(steps, takes_money),
            "address": _address(steps),
            "confirm": _confirm(steps),
            "invoice": _invoice(),
            "nowhere": Step(_NOWHERE, links=("status",)),
            "later": Step(later_text, links=(NAME,)),
            PAID: Step(_PAID, links=("status",)),
            "made": Step(_MADE, links=("status", "activate")),
            "overdue": Step(_OVERDUE),
        },
        timeout=SECRET_TIMEOUT,
    )


_LEAD = N_(
    "💳 <b>Pay for the card (繳費)</b>: NT$278. You see what is owed and check the address before "
    "anything is charged."
)
_PAID = N_(
    "✅ <b>The fee is paid.</b> There is nothing more to pay. The card is made, and posted in "
    "about 7–10 working days.\n\n"
    "<b>Keep the application form</b>: you need its subscriber code to activate the card (開卡), "
    "and later to suspend, resume or unlock it."
)
_MADE = N_(
    "📮 <b>There is nothing to pay.</b> The fee was paid and the card is made. When it arrives, "
    "activate it (開卡)."
)
_OVERDUE = N_(
    "⌛ <b>The days to pay are over</b>, so nothing can be paid and nothing was charged. The "
    "application is deleted with its data. Apply again in person at any NIA service station; "
    "there you get a new code. Questions: 0800-080-117."
)
_NOWHERE = N_(
    "💳 <b>This chat cannot take money</b>: whoever runs it has set up no payment provider. "
    "Nothing was charged, and the deadline stays as it is. Ask where to pay at the hotline "
    "0800-080-117 or cse@moica.nat.gov.tw. Give your credit card number to nobody in a chat."
)
_ADDRESS = N_(
    "✏️ <b>Type the address the card is posted to</b>, in one message, with street and number, "
    "best in Chinese and with the postal code. I delete your message at once and show you the "
    "address before anything changes."
)
_INVOICE = N_(
    "🧾 <b>The invoice is below.</b> Press its Pay button. Telegram asks for your credit card and "
    "gives it to the payment provider; I never see it.\n\n"
    "The receipt comes here and by mail. Does the bank take its time? Then wait, and do not pay "
    "twice."
)


def later_text(ctx: StepContext) -> Markup:
    """Say that nothing happened, and until when it can."""
    last = date.fromisoformat(ctx.data[LAST_DAY])
    text = say(
        ctx.language,
        "👍 Nothing was charged. The last day to pay is <b>{last}</b>; come back before it is "
        "over.",
        last=format_date(last, ctx.language),
    )
    return Markup(f"{text} {_reminders(ctx)}".strip())


@dataclass(frozen=True)
class PaymentSteps:
    """The actions and texts of the steps: amount due, address, invoice and reminders."""

    authority: Authority
    database: Database

    async def look_up_amount_due(self, grant: str, ctx: StepContext) -> StepResult:
        """See what is owed, once somebody has shown who they are."""
        try:
            async with self.database.unit_of_work() as session:
                return StepResult("owed", await self._amount_due(session, grant, ctx))
        except AuthorityError as error:
            return _ERRORS.result_for(error, ctx)

    async def open_invoice(self, session: AsyncSession, ctx: StepContext) -> StepResult:
        """Make the invoice that `send_again` sends."""
        verb = self.authority.payments.open_invoice
        try:
            invoice = await verb(session, ctx.data[GRANT], ctx.user_id, ctx.chat_id, ctx.now)
        except AuthorityError as error:
            return _ERRORS.result_for(error, ctx)
        return StepResult(
            "invoice", {INVOICE: invoice.payload, **self._step_data(invoice.due, ctx)}
        )

    async def keep_address(self, address: Hidden, ctx: StepContext) -> StepResult:
        """Keep a typed address sealed until it is confirmed."""
        return StepResult(
            "confirm", {TYPED_ADDRESS: self.authority.sealed_input.seal(address, ctx.chat_id)}
        )

    async def change_address(self, session: AsyncSession, ctx: StepContext) -> StepResult:
        """Write the confirmed address down."""
        verb = self.authority.payments.change_address
        try:
            address = self.authority.sealed_input.unseal(
                ctx.data[TYPED_ADDRESS], ctx.chat_id
            ).reveal()
            await verb(session, ctx.data[GRANT], address, ctx.chat_id, ctx.now)
            kept = await self._amount_due(session, ctx.data[GRANT], ctx)
        except AuthorityError as error:
            return _ERRORS.result_for(error, ctx)
        return StepResult(
            "owed",
            kept,
            StatusMessage(N_("✏️ The address is changed.")),
            clear_data=(TYPED_ADDRESS,),
        )

    async def turn_reminders_off(self, session: AsyncSession, ctx: StepContext) -> StepResult:
        """Turn the reminders off, for good."""
        await reminders.turn_off(session, _reminder(ctx))
        return StepResult("owed", {REMINDED: "no"})

    async def turn_reminders_on(self, session: AsyncSession, ctx: StepContext) -> StepResult:
        """Turn the reminders on again."""
        await reminders.schedule(session, _reminder(ctx), ctx.now)
        return StepResult("owed", {REMINDED: "yes"})

    def amount_due_text(self, ctx: StepContext) -> Markup:
        """Say what is owed, until when, and where the card goes."""
        last = date.fromisoformat(ctx.data[LAST_DAY])
        card, postage = int(ctx.data[FeeKind.CARD]), int(ctx.data[FeeKind.POSTAGE])
        text = say(
            ctx.language,
            "💳 <b>To pay: {total}</b>\n• card fee (工本費) {card}\n• postage (郵資) {postage}\n\n"
            "⏳ Last day: <b>{last}</b>, days left: <b>{left}</b>. An application that is not paid "
            "by then is deleted.\n\n"
            "📮 The card is posted to:\n<b>{address}</b>\nIs that right?",
            total=money.format_amount(card + postage, CURRENCY),
            card=money.format_amount(card, CURRENCY),
            postage=money.format_amount(postage, CURRENCY),
            last=format_date(last, ctx.language),
            left=max((last - today(ctx.now)).days, 0),
            address=self._unseal(ctx, ADDRESS),
        )
        return Markup(f"{text}\n\n{_reminders(ctx)}".strip())

    def confirm_text(self, ctx: StepContext) -> Markup:
        """Show what was typed before anything changes."""
        return say(
            ctx.language,
            "📮 <b>Post the card to this address?</b>\n{address}",
            address=self._unseal(ctx, TYPED_ADDRESS),
        )

    def _unseal(self, ctx: StepContext, name: str) -> str:
        return self.authority.sealed_input.unseal(ctx.data[name], ctx.chat_id).reveal()

    async def _amount_due(
        self, session: AsyncSession, grant: str, ctx: StepContext
    ) -> dict[str, str]:
        owed = await self.authority.payments.get_amount_due(session, grant, ctx.chat_id, ctx.now)
        kept = self._step_data(owed, ctx)
        reminder = _reminder_of(owed.application, owed.last_day, ctx)
        coming = await reminders.schedule_unless_off(session, reminder, ctx.now)
        return {**kept, REMINDED: "yes" if coming else "no"}

    def _step_data(self, owed: AmountDue, ctx: StepContext) -> dict[str, str]:
        return {
            APPLICATION: owed.application,
            LAST_DAY: owed.last_day.isoformat(),
            ADDRESS: self.authority.sealed_input.seal(owed.address, ctx.chat_id),
            **{fee.kind: str(fee.amount) for fee in owed.fees},
        }


def is_reminded(ctx: StepContext) -> bool:
    """Return whether somebody is reminded."""
    return ctx.data.get(REMINDED) == "yes"


def has_days_left(ctx: StepContext) -> bool:
    """Return whether there is a day left to be reminded on."""
    return bool(reminders.reminder_times(date.fromisoformat(ctx.data[LAST_DAY]), ctx.now))


def _reminders(ctx: StepContext) -> str:
    """Say when somebody is reminded, where they are."""
    days = reminders.reminder_times(date.fromisoformat(ctx.data[LAST_DAY]), ctx.now)
    if not days or not is_reminded(ctx):
        return ""
    return say(
        ctx.language,
        "🔔 If it is not paid by then, I remind you here on {days}, at ten in the morning.",
        days=format_dates((day.date() for day in days), ctx.language),
    )


def _reminder(ctx: StepContext) -> Reminder:
    return _reminder_of(ctx.data[APPLICATION], date.fromisoformat(ctx.data[LAST_DAY]), ctx)


def _reminder_of(application: str, last: date, ctx: StepContext) -> Reminder:
    return Reminder(ctx.chat_id, ctx.user_id, ctx.client_language, last, application)


def _owed(steps: PaymentSteps, takes_money: bool) -> Step:
    on = ButtonTransition(
        "pay",
        N_("✅ The address is right: pay"),
        "invoice",
        steps.open_invoice,
        after_commit=send_invoice_again,
        also_targets=_ERROR_TARGETS,
    )
    nowhere = ButtonTransition("pay", N_("✅ The address is right: pay"), "nowhere")
    return Step(
        steps.amount_due_text,
        (
            on if takes_money else nowhere,
            ButtonTransition("address", N_("✏️ Another address"), "address"),
            ButtonTransition(
                "off", N_("🔕 No reminders"), "owed", steps.turn_reminders_off, when=is_reminded
            ),
            ButtonTransition(
                "on",
                N_("🔔 Remind me"),
                "owed",
                steps.turn_reminders_on,
                when=lambda s: not is_reminded(s) and has_days_left(s),
            ),
            ButtonTransition("later", N_("⏰ Pay later"), "later", _forget),
        ),
        requires=(GRANT, LAST_DAY),
    )


def _address(steps: PaymentSteps) -> Step:
    secret = SecretInput(parse_typed_address, steps.keep_address, "confirm")
    return Step(_ADDRESS, secret_input=secret, requires=(GRANT, LAST_DAY))


def _confirm(steps: PaymentSteps) -> Step:
    return Step(
        steps.confirm_text,
        (
            ButtonTransition(
                "use",
                N_("✅ Post it there"),
                "owed",
                steps.change_address,
                also_targets=_ERROR_TARGETS,
            ),
            ButtonTransition("again", N_("✏️ Type it again"), "address"),
        ),
        requires=(GRANT, TYPED_ADDRESS),
    )


def _invoice() -> Step:
    again = ButtonTransition(
        "again", N_("🔁 Send the invoice again"), "invoice", after_commit=send_invoice_again
    )
    return Step(_INVOICE, (again,), requires=(INVOICE,))


async def send_invoice_again(context: Context, ctx: StepContext) -> None:
    """Send the invoice that was made; a second copy can be paid no second time."""
    fees = {kind: int(ctx.data[kind]) for kind in FeeKind if kind in ctx.data}
    last = date.fromisoformat(ctx.data[LAST_DAY])
    await send_invoice(context, ctx.chat_id, ctx.language, ctx.data[INVOICE], fees, last)


async def _forget(_session: AsyncSession, _ctx: StepContext) -> StepResult:
    return StepResult("later", clear_data=PRIVATE_KEYS)
