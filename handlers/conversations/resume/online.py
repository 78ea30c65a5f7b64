"""Resuming (復用) suspended certificates (docs/facts.md §1.6).

The person is verified by UI No. and code, card number, and a one-time code. All linked chats are
notified before the certificates are resumed.
"""

from handlers.conversations.resume.guide import RESUME as GUIDE
from handlers.engine.model import ButtonTransition, Conversation, Step, StepContext, StepResult
from handlers.identity.card_number_input import WHERE_IS_IT, card_number_input
from handlers.identity.chat_verification import chat_verification_steps
from handlers.identity.code_verification import FORGOTTEN_BUTTON, CodeVerification
from handlers.identity.granted_actions import (
    DONE,
    NOTHING_TO_DO,
    OFFER,
    check_precondition,
    linking_steps,
    offer_or_done,
    run_with_grant,
)
from handlers.identity.one_time_code_step import OneTimeCodeStep
from handlers.identity.step_data import GRANT, SECRET_TIMEOUT
from handlers.identity.unavailable_steps import REVOKED, UNAVAILABLE_STEP_NAMES, UNAVAILABLE_STEPS
from handlers.screen.text import N_
from services.authority.data_types import AuthorityOperation, Change
from services.authority.interface.authority import Authority
from services.authority.interface.certificates import Certificates
from services.storage.database import Database

_INTRODUCTION = N_(
    "▶️ <b>Reactivate (復用)</b>. Later you also need the IC card number and your e-mail."
)
_SAFE = N_(
    "<b>Is the card safe?</b>\n"
    "Do you have it back, and are you sure that no one else knows the PIN?"
)
_CARD = N_(
    "✅ <b>The code is correct.</b> Now type the <b>IC card number</b> (IC卡卡號) on your card: "
    "{card_number_shape}. It is not the UI No. Your message is deleted right away."
)
_CARD_AGAIN = N_("🪪 Type the <b>IC card number</b> (IC卡卡號) on the card.")
_MAIL = N_(
    "✅ <b>The card number is correct.</b> Last, we send a one-time code to the e-mail address "
    "on your application."
)
_TELL = N_(
    "✅ <b>You're verified.</b> Before we reactivate the certificate, we notify your linked "
    "chats and email you, so that no one can do this in your name. Continue?"
)
_CONFIRM = N_(
    "📣 <b>Notifications sent.</b> The certificate is still suspended.\n"
    "\n"
    "<b>Reactivate it now?</b> You can then sign, log in and decrypt with the card and its PIN "
    "again."
)
_DONE = N_(
    "▶️ <b>Reactivated.</b> You can use the certificate again, with the same PIN.\n"
    "\n"
    "If you lose the card again, suspend it right away; it takes a minute."
)
_ALREADY = N_(
    "✅ <b>The certificate is not suspended</b>, so you can use it with its PIN.\n"
    "\n"
    "Is the PIN locked? Then unlock the card (鎖卡解碼) instead."
)

_MAIL_LIMIT = Step(
    N_(
        "⏸ <b>The certificate stays suspended</b>, so no one can use it. Come back then and "
        "start again."
    ),
    links=("resume",),
)

_STAY_BUTTON = ButtonTransition("stay", N_("🛑 Keep it suspended"), "stay")
_SAFETY_STEP = Step(
    _SAFE,
    (
        ButtonTransition("yes", N_("✅ Yes"), "who"),
        ButtonTransition("no", N_("❌ No, or not sure"), "stay"),
    ),
)


def resume_conversation(authority: Authority, database: Database) -> Conversation:
    """Return the conversation."""
    one_time_code = OneTimeCodeStep(authority, AuthorityOperation.RESUME, "tell", _MAIL_LIMIT)
    verification = CodeVerification(
        authority,
        AuthorityOperation.RESUME,
        "card",
        on_verified=check_precondition(authority, database, "card", _next_step),
        also_targets=(NOTHING_TO_DO, *UNAVAILABLE_STEP_NAMES),
        introduction=_INTRODUCTION,
        buttons=(FORGOTTEN_BUTTON,),
    )
    return Conversation(
        name="resume",
        title=GUIDE.title,
        initial="which",
        timeout=SECRET_TIMEOUT,
        steps={
            "which": GUIDE.steps["which"],
            "safe": _SAFETY_STEP,
            "stay": GUIDE.steps["stay"],
            **verification.steps,
            **chat_verification_steps(authority),
            "card": Step(
                _CARD,
                info_buttons=(WHERE_IS_IT,),
                secret_input=card_number_input(authority.credentials, "card", "mail"),
                requires=(GRANT,),
                picture="cards",
                reminder=_CARD_AGAIN,
            ),
            "mail": Step(_MAIL, (one_time_code.send_button,), requires=(GRANT,)),
            **one_time_code.steps,
            "tell": Step(
                _TELL, (_announce_button(authority.certificates), _STAY_BUTTON), requires=(GRANT,)
            ),
            "confirm": Step(
                _CONFIRM, (_resume_button(authority.certificates), _STAY_BUTTON), requires=(GRANT,)
            ),
            **linking_steps(authority.links, _DONE, ("suspend",)),
            NOTHING_TO_DO: Step(_ALREADY, links=("unlock", "suspend")),
            **UNAVAILABLE_STEPS,
            REVOKED: GUIDE.steps["revoked"],
        },
    )


def _announce_button(certificates: Certificates) -> ButtonTransition:
    effect = run_with_grant(certificates.announce_resumption, _after_announcement)
    return ButtonTransition(
        "tell",
        N_("📣 Notify and continue"),
        "confirm",
        effect,
        also_targets=("who", *UNAVAILABLE_STEP_NAMES),
    )


def _resume_button(certificates: Certificates) -> ButtonTransition:
    effect = run_with_grant(certificates.resume, _next_step)
    return ButtonTransition(
        "resume",
        N_("▶️ Reactivate now"),
        DONE,
        effect,
        also_targets=(OFFER, NOTHING_TO_DO, "who", *UNAVAILABLE_STEP_NAMES),
    )


def _after_announcement(_change: Change, _ctx: StepContext) -> StepResult:
    return StepResult("confirm", clears_history=True)


def _next_step(change: Change, ctx: StepContext) -> StepResult:
    if change.changed:
        return StepResult(offer_or_done(ctx), clears_history=True)
    return StepResult(NOTHING_TO_DO, clear_data=(GRANT,), clears_history=True)
