"""What is owed for a card: looked up, told, and what becomes of the address and the reminders."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.engine.model import StatusMessage, StepContext, StepResult
from handlers.identity.code import GRANT
from handlers.identity.error_messages import message_for
from handlers.screen.dates import format_date, format_dates
from handlers.screen.text import N_, Markup, say
from services.authority.errors import (
    AuthorityError,
    DeadlinePassedError,
    GrantExpiredError,
    WrongStateError,
)
from services.authority.interface.authority import Authority
from services.authority.lifecycle import ApplicationState
from services.authority.values import CURRENCY, AmountDue, FeeKind
from services.calendar import today
from services.formats import money
from services.formats.hidden import Hidden
from services.messaging import reminders
from services.messaging.reminders import Reminder
from services.storage.database import Database

PAID = "paid"
"""The end somebody is at whose money has come in."""
LAST_DAY, ADDRESS, TYPED_ADDRESS, APPLICATION, REMINDED = (
    "last_day", "address", "typed", "application", "reminded",
)  # fmt: skip
"""What is kept on the way; both addresses are sealed."""
INVOICE = "invoice"
"""The payload of the invoice that was made."""
PRIVATE_KEYS = (GRANT, ADDRESS, TYPED_ADDRESS, INVOICE)
REFUSED_TARGETS = ("who", PAID, "made", "overdue")
"""Where a refusal leads."""


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
    """What the steps do with the authority, and what they say of it."""

    authority: Authority
    database: Database

    async def look_up_amount_due(self, grant: str, ctx: StepContext) -> StepResult:
        """See what is owed, once somebody has shown who they are."""
        try:
            async with self.database.unit_of_work() as session:
                return StepResult("owed", await self._amount_due(session, grant, ctx))
        except AuthorityError as error:
            return _refused(error)

    async def open_invoice(self, session: AsyncSession, ctx: StepContext) -> StepResult:
        """Make the invoice that `send_again` sends."""
        verb = self.authority.payments.open_invoice
        try:
            invoice = await verb(session, ctx.data[GRANT], ctx.user_id, ctx.chat_id, ctx.now)
        except AuthorityError as error:
            return _refused(error)
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
            return _refused(error)
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
            total=money.written(card + postage, CURRENCY),
            card=money.written(card, CURRENCY),
            postage=money.written(postage, CURRENCY),
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


def _refused(error: AuthorityError) -> StepResult:
    """Give where a refusal leads: to the end that says it, or to showing who one is again."""
    match error:
        case GrantExpiredError():
            return StepResult(
                "who", message=message_for(error), clear_data=PRIVATE_KEYS, clears_history=True
            )
        case DeadlinePassedError():
            return StepResult("overdue", clear_data=PRIVATE_KEYS, clears_history=True)
        case WrongStateError(state=ApplicationState.PAID):
            return StepResult(PAID, clear_data=PRIVATE_KEYS, clears_history=True)
        case WrongStateError():
            return StepResult("made", clear_data=PRIVATE_KEYS, clears_history=True)
    raise error


def is_reminded(ctx: StepContext) -> bool:
    """Tell whether somebody is reminded."""
    return ctx.data.get(REMINDED) == "yes"


def has_days_left(ctx: StepContext) -> bool:
    """Tell whether there is a day left to be reminded on."""
    return bool(reminders.moments(date.fromisoformat(ctx.data[LAST_DAY]), ctx.now))


def _reminders(ctx: StepContext) -> str:
    """Say when somebody is reminded, where they are."""
    days = reminders.moments(date.fromisoformat(ctx.data[LAST_DAY]), ctx.now)
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
