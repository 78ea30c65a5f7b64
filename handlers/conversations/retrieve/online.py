"""Retrieving (取回用戶代碼) the subscriber code, which is shown for a minute.

The person is verified by UI No., birth date and a one-time code. It is possible until activation,
when the code is destroyed (docs/facts.md §0, §1.5).
"""

from dataclasses import replace
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.conversations.retrieve.code_reveal import show_code
from handlers.conversations.retrieve.guide import RETRIEVE as GUIDE
from handlers.engine.model import ButtonTransition, Conversation, Step, StepContext, StepResult
from handlers.identity.birth_date_verification import BirthDateVerification
from handlers.identity.code_verification import PAUSED, OnVerified
from handlers.identity.error_messages import ErrorSteps, message_for
from handlers.identity.one_time_code_step import OneTimeCodeStep
from handlers.identity.step_data import GRANT, SECRET_TIMEOUT
from handlers.screen.text import N_
from services.authority.data_types import AuthorityOperation
from services.authority.errors import CodeUnrecoverableError, GrantExpiredError
from services.authority.interface.authority import Authority
from services.authority.interface.credentials import Credentials
from services.storage.database import Database

_FORM = N_(
    "<b>Check the form first</b>\n"
    "The subscriber code (用戶代碼), {code_length}, is printed on the application form (申請書) "
    "you took home. Can you find it?\n"
    "\n"
    "⚠️ <b>After activation (開卡) the code is gone</b>: no one, including us, can give it back."
)
_INTRODUCTION = N_(
    "🔑 <b>Get your code back (取回用戶代碼)</b>, if the card is not activated yet. You'll get a "
    "one-time code by e-mail."
)
_READY = N_(
    "✅ <b>You're verified.</b> Your code will be shown for 60 seconds, then deleted.\n"
    "\n"
    "Have pen and paper ready, and make sure that no one else can see your screen. We'll email "
    "you that it was shown."
)
_SHOWN = N_(
    "🔑 <b>Your code is in a separate message</b> for 60 seconds. Write it on paper, not in a "
    "chat: you need it to pay, activate, suspend, reactivate and unlock. Capital and small "
    "letters matter."
)
_FOUND = N_(
    "✅ <b>Good.</b> Type the code exactly as printed: capital and small letters matter. Keep "
    "the form: after activation no one can give the code back."
)
_NOT_KEPT = N_(
    "🔑 <b>Your card is activated, so no one, including us, can give the code back.</b>\n"
    "\n"
    "<b>You can still</b> use the card with its PIN, change the PIN if you know it, and "
    "suspend with a one-time code by e-mail.\n"
    "\n"
    "<b>You need the code</b> to reactivate or unlock. The last option is to revoke and apply "
    "again, {fee}."
)

_MAIL_LIMIT = Step(
    N_(
        "🔑 <b>Your code is safe, and you can get it then.</b> Meanwhile, look for it on the "
        "application form. Do you have to pay today? Call {hotline}."
    ),
    links=("retrieve",),
)
_ACTIVATED_BUTTON = ButtonTransition("active", N_("🆕 Card is activated"), "not_kept")
_FORM_STEP = Step(
    _FORM,
    (
        ButtonTransition("found", N_("✅ Found it"), "found"),
        ButtonTransition("gone", N_("❌ I can't find it"), "who"),
        _ACTIVATED_BUTTON,
    ),
    picture="form",
)


def retrieve_conversation(authority: Authority, database: Database) -> Conversation:
    """Return the conversation."""
    one_time_code = OneTimeCodeStep(
        authority,
        AuthorityOperation.RETRIEVE,
        "ready",
        _MAIL_LIMIT,
        on_verified=_check_recoverable(authority.credentials, database),
        verified_targets=("not_kept",),
    )
    verification = BirthDateVerification(
        authority, one_time_code, "born", "who", _INTRODUCTION, (_ACTIVATED_BUTTON,)
    )
    show = _show_button(authority.credentials)
    show_again = replace(show, key="again", label=N_("👁 Show it again"))
    return Conversation(
        name="retrieve",
        title=GUIDE.title,
        initial="form",
        timeout=SECRET_TIMEOUT,
        steps={
            "form": _FORM_STEP,
            **verification.steps,
            "paused": PAUSED,
            **one_time_code.steps,
            "ready": Step(_READY, (show,), requires=(GRANT,)),
            "shown": Step(
                _SHOWN,
                (ButtonTransition("noted", N_("✅ I've written it down"), "noted"), show_again),
                requires=(GRANT,),
            ),
            "noted": Step(
                N_("✅ <b>Keep it safe.</b> After activation no one can give the code back."),
                links=("pay", "activate", "status"),
            ),
            "found": Step(_FOUND, links=("pay", "activate", "status")),
            "not_kept": Step(
                _NOT_KEPT,
                info_buttons=GUIDE.steps["activated"].info_buttons,
                links=("change_pin", "suspend/by_mail"),
            ),
            "overdue": GUIDE.steps["overdue"],
            "not_applied": GUIDE.steps["not_applied"],
        },
    )


def _check_recoverable(credentials: Credentials, database: Database) -> OnVerified:
    """Return the hook that promises the code only where it can be shown."""

    async def check(grant: str, ctx: StepContext) -> StepResult:
        try:
            async with database.reading() as session:
                await credentials.check_recoverable(session, grant, ctx.chat_id, ctx.now)
        except CodeUnrecoverableError:
            return StepResult("not_kept", clear_data=(GRANT,))
        except GrantExpiredError as error:
            return ErrorSteps().result_for(error, ctx)
        return StepResult("ready")

    return check


def _show_button(credentials: Credentials) -> ButtonTransition:
    return ButtonTransition(
        "show",
        N_("👁 Show it for 60 seconds"),
        "shown",
        partial(_reveal, credentials),
        after_commit=partial(show_code, credentials),
        also_targets=("not_kept", "who"),
    )


async def _reveal(credentials: Credentials, session: AsyncSession, ctx: StepContext) -> StepResult:
    try:
        async with session.begin_nested():
            await credentials.reveal_code(session, ctx.data[GRANT], ctx.chat_id, ctx.now)
    except CodeUnrecoverableError:
        return StepResult("not_kept", clear_data=(GRANT,), clears_history=True)
    except GrantExpiredError as error:
        return StepResult(
            "who", message=message_for(error), clear_data=(GRANT,), clears_history=True
        )
    return StepResult("shown", clears_history=True)
