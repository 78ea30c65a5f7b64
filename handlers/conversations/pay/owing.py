"""What is owed for a card: looked up, told, and what becomes of the address and the reminders."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.engine.model import Outcome, Scene, Told
from handlers.identity.code import GRANT
from handlers.identity.error_messages import told
from handlers.screen.dates import in_both_calendars, listed
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
LAST_DAY, ADDRESS, TYPED, APPLICATION, REMINDED = (
    "last_day", "address", "typed", "application", "reminded",
)  # fmt: skip
"""What is kept on the way; both addresses are sealed."""
INVOICE = "invoice"
"""The payload of the invoice that was made."""
PRIVATE = (GRANT, ADDRESS, TYPED, INVOICE)
ELSEWHERE = ("who", PAID, "made", "overdue")
"""Where a refusal leads."""


def later_words(scene: Scene) -> Markup:
    """Say that nothing happened, and until when it can."""
    last = date.fromisoformat(scene.data[LAST_DAY])
    text = say(
        scene.language,
        "👍 Nothing was charged. The last day to pay is <b>{last}</b>; come back before it is "
        "over.",
        last=in_both_calendars(last, scene.language),
    )
    return Markup(f"{text} {_reminders(scene)}".strip())


@dataclass(frozen=True)
class Owing:
    """What the steps do with the authority, and what they say of it."""

    authority: Authority
    database: Database

    async def look(self, grant: str, scene: Scene) -> Outcome:
        """See what is owed, once somebody has shown who they are."""
        try:
            async with self.database.unit_of_work() as session:
                return Outcome("owed", await self._looked(session, grant, scene))
        except AuthorityError as error:
            return _refused(error)

    async def open_invoice(self, session: AsyncSession, scene: Scene) -> Outcome:
        """Make the invoice that `send_again` sends."""
        verb = self.authority.payments.open_invoice
        try:
            invoice = await verb(
                session, scene.data[GRANT], scene.user_id, scene.chat_id, scene.now
            )
        except AuthorityError as error:
            return _refused(error)
        return Outcome("invoice", {INVOICE: invoice.payload, **self._kept(invoice.due, scene)})

    async def keep_address(self, address: Hidden, scene: Scene) -> Outcome:
        """Keep a typed address sealed until it is confirmed."""
        return Outcome("confirm", {TYPED: self.authority.sealed_input.seal(address, scene.chat_id)})

    async def change_address(self, session: AsyncSession, scene: Scene) -> Outcome:
        """Write the confirmed address down."""
        verb = self.authority.payments.change_address
        try:
            address = self.authority.sealed_input.unseal(scene.data[TYPED], scene.chat_id).reveal()
            await verb(session, scene.data[GRANT], address, scene.chat_id, scene.now)
            kept = await self._looked(session, scene.data[GRANT], scene)
        except AuthorityError as error:
            return _refused(error)
        return Outcome("owed", kept, Told(N_("✏️ The address is changed.")), forget=(TYPED,))

    async def turn_off(self, session: AsyncSession, scene: Scene) -> Outcome:
        """Turn the reminders off, for good."""
        await reminders.turn_off(session, _reminder(scene))
        return Outcome("owed", {REMINDED: "no"})

    async def turn_on(self, session: AsyncSession, scene: Scene) -> Outcome:
        """Turn the reminders on again."""
        await reminders.schedule(session, _reminder(scene), scene.now)
        return Outcome("owed", {REMINDED: "yes"})

    def owed_words(self, scene: Scene) -> Markup:
        """Say what is owed, until when, and where the card goes."""
        last = date.fromisoformat(scene.data[LAST_DAY])
        card, postage = int(scene.data[FeeKind.CARD]), int(scene.data[FeeKind.POSTAGE])
        text = say(
            scene.language,
            "💳 <b>To pay: {total}</b>\n• card fee (工本費) {card}\n• postage (郵資) {postage}\n\n"
            "⏳ Last day: <b>{last}</b>, days left: <b>{left}</b>. An application that is not paid "
            "by then is deleted.\n\n"
            "📮 The card is posted to:\n<b>{address}</b>\nIs that right?",
            total=money.written(card + postage, CURRENCY),
            card=money.written(card, CURRENCY),
            postage=money.written(postage, CURRENCY),
            last=in_both_calendars(last, scene.language),
            left=max((last - today(scene.now)).days, 0),
            address=self._opened(scene, ADDRESS),
        )
        return Markup(f"{text}\n\n{_reminders(scene)}".strip())

    def confirm_words(self, scene: Scene) -> Markup:
        """Show what was typed before anything changes."""
        return say(
            scene.language,
            "📮 <b>Post the card to this address?</b>\n{address}",
            address=self._opened(scene, TYPED),
        )

    def _opened(self, scene: Scene, name: str) -> str:
        return self.authority.sealed_input.unseal(scene.data[name], scene.chat_id).reveal()

    async def _looked(self, session: AsyncSession, grant: str, scene: Scene) -> dict[str, str]:
        owed = await self.authority.payments.get_amount_due(
            session, grant, scene.chat_id, scene.now
        )
        kept = self._kept(owed, scene)
        reminder = _reminder_of(owed.application, owed.last_day, scene)
        coming = await reminders.schedule_unless_off(session, reminder, scene.now)
        return {**kept, REMINDED: "yes" if coming else "no"}

    def _kept(self, owed: AmountDue, scene: Scene) -> dict[str, str]:
        return {
            APPLICATION: owed.application,
            LAST_DAY: owed.last_day.isoformat(),
            ADDRESS: self.authority.sealed_input.seal(owed.address, scene.chat_id),
            **{fee.kind: str(fee.amount) for fee in owed.fees},
        }


def _refused(error: AuthorityError) -> Outcome:
    """Give where a refusal leads: to the end that says it, or to showing who one is again."""
    match error:
        case GrantExpiredError():
            return Outcome("who", told=told(error), forget=PRIVATE, is_one_way=True)
        case DeadlinePassedError():
            return Outcome("overdue", forget=PRIVATE, is_one_way=True)
        case WrongStateError(state=ApplicationState.PAID):
            return Outcome(PAID, forget=PRIVATE, is_one_way=True)
        case WrongStateError():
            return Outcome("made", forget=PRIVATE, is_one_way=True)
    raise error


def is_reminded(scene: Scene) -> bool:
    """Tell whether somebody is reminded."""
    return scene.data.get(REMINDED) == "yes"


def has_days(scene: Scene) -> bool:
    """Tell whether there is a day left to be reminded on."""
    return bool(reminders.moments(date.fromisoformat(scene.data[LAST_DAY]), scene.now))


def _reminders(scene: Scene) -> str:
    """Say when somebody is reminded, where they are."""
    days = reminders.moments(date.fromisoformat(scene.data[LAST_DAY]), scene.now)
    if not days or not is_reminded(scene):
        return ""
    return say(
        scene.language,
        "🔔 If it is not paid by then, I remind you here on {days}, at ten in the morning.",
        days=listed((day.date() for day in days), scene.language),
    )


def _reminder(scene: Scene) -> Reminder:
    return _reminder_of(scene.data[APPLICATION], date.fromisoformat(scene.data[LAST_DAY]), scene)


def _reminder_of(application: str, last: date, scene: Scene) -> Reminder:
    return Reminder(scene.chat_id, scene.user_id, scene.client_language, last, application)
