"""Pay (線上付款): what is owed and until when, the address, the invoice, and reminders.

Money comes in elsewhere: `handlers.conversations.pay.checkout`.
"""

import re
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.context import Context
from handlers.conversations.pay.invoice import send_invoice
from handlers.conversations.pay.owing import (
    INVOICE,
    LAST_DAY,
    PAID,
    PRIVATE_KEYS,
    REFUSED_TARGETS,
    TYPED_ADDRESS,
    PaymentSteps,
    has_days_left,
    is_reminded,
    later_text,
)
from handlers.engine.model import (
    ButtonTransition,
    Conversation,
    InputRejectedError,
    SecretInput,
    Step,
    StepContext,
    StepResult,
)
from handlers.identity.code import GRANT, CodeVerification
from handlers.identity.limits import SECRET_TIMEOUT
from handlers.screen.text import N_
from services.authority.interface.authority import Authority
from services.authority.values import AuthorityOperation, FeeKind
from services.formats.contact import parse_postal_address
from services.formats.errors import FormatError, Reason
from services.formats.hidden import Hidden
from services.storage.database import Database

NAME = "pay"
_QUESTION = ("?", "？", "嗎", "吗", "呢", "么")
_LEAST_ADDRESS = 8
_PLACE = re.compile(
    r"[市縣县區区鄉乡鎮镇村里路街巷弄].*[市縣县區区鄉乡鎮镇村里路街巷弄號号樓楼]"
    r"|(?:[縣县區区鄉乡鎮镇村里街巷弄樓楼]|(?<![網网])路)$"
    r"|[台臺][北中南東东]|新北|桃園|桃园|新竹|高雄|基隆|嘉義|嘉义|花蓮|花莲"
    r"|\b(?:road|rd|street|lane|alley|section|district|city|county|floor|township|village|taipei|"
    r"taoyuan|hsinchu|taichung|tainan|kaohsiung|keelung|chiayi|hualien|taitung|yilan)\b",
    re.I,
)
"""What addresses are made of; who types it where one is asked for means one."""
_SENTENCE = re.compile(
    r"\b(?:i|my|card|how|what|why|when|where|which)\b|卡|怎|什麼|什么|如何|哪", re.I
)


def pay(authority: Authority, database: Database, takes_money: bool) -> Conversation:
    """Give the conversation.

    :param takes_money: whether there is a payment provider.
    """
    verbs = PaymentSteps(authority, database)
    way = CodeVerification(
        authority,
        AuthorityOperation.PAY,
        target="owed",
        on_verified=verbs.look_up_amount_due,
        also_targets=(PAID, "made", "overdue"),
        introduction=_LEAD,
    )
    return Conversation(
        name=NAME,
        title=N_("💳 Pay for the card (繳費)"),
        initial="who",
        steps={
            **way.steps,
            "owed": _owed(verbs, takes_money),
            "address": _address(verbs),
            "confirm": _confirm(verbs),
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
    "about 7–10 working days. Keep the form with the code: you need it to activate the card (開卡)."
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
_TOO_LONG = N_("That is too long for an address; at most 200 characters. Nothing was changed.")
_NO_NUMBER = N_(
    "That is no address a card could be posted to: street, number and town, at least 8 "
    "characters. Nothing was changed."
)
_ODD = N_("There are characters in it that cannot be printed. Please type it; nothing was changed.")


def _owed(verbs: PaymentSteps, takes_money: bool) -> Step:
    on = ButtonTransition(
        "pay",
        N_("✅ The address is right: pay"),
        "invoice",
        verbs.open_invoice,
        after_commit=send_invoice_again,
        also_targets=REFUSED_TARGETS,
    )
    nowhere = ButtonTransition("pay", N_("✅ The address is right: pay"), "nowhere")
    return Step(
        verbs.amount_due_text,
        (
            on if takes_money else nowhere,
            ButtonTransition("address", N_("✏️ Another address"), "address"),
            ButtonTransition(
                "off", N_("🔕 No reminders"), "owed", verbs.turn_reminders_off, when=is_reminded
            ),
            ButtonTransition(
                "on",
                N_("🔔 Remind me"),
                "owed",
                verbs.turn_reminders_on,
                when=lambda s: not is_reminded(s) and has_days_left(s),
            ),
            ButtonTransition("later", N_("⏰ Pay later"), "later", _forget),
        ),
        requires=(GRANT, LAST_DAY),
    )


def _address(verbs: PaymentSteps) -> Step:
    secret = SecretInput(_read_address, verbs.keep_address, "confirm")
    return Step(_ADDRESS, secret_input=secret, requires=(GRANT, LAST_DAY))


def _confirm(verbs: PaymentSteps) -> Step:
    return Step(
        verbs.confirm_text,
        (
            ButtonTransition(
                "use",
                N_("✅ Post it there"),
                "owed",
                verbs.change_address,
                also_targets=REFUSED_TARGETS,
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


async def _forget(_session: AsyncSession, _scene: StepContext) -> StepResult:
    return StepResult("later", clear_data=PRIVATE_KEYS)


def _read_address(text: str, _scene: StepContext) -> Hidden | None:
    """Read an address; a question, a few words, and one word such as an error code are none.

    :raises NotTakenError: for what is meant as one and cannot be.
    """
    if text.rstrip(" 。.!！~").endswith(_QUESTION):
        return None
    is_part = len(text.strip()) < _LEAST_ADDRESS or (text.isascii() and len(text.split()) == 1)
    try:
        if not is_part:
            return Hidden(parse_postal_address(text))
    except FormatError as error:
        if error.reason is not Reason.SHAPE:
            raise InputRejectedError(_REFUSED.get(error.reason, _NO_NUMBER)) from None
    if _PLACE.search(text.strip()) and not _SENTENCE.search(text):
        raise InputRejectedError(_NO_NUMBER)
    return None


_REFUSED = {Reason.LENGTH: _TOO_LONG, Reason.CHARACTERS: _ODD}
