"""Resuming (復用) suspended certificates (docs/facts.md §1.6).

The person is verified by UI No. and code, card number, and a one-time code. All linked chats are
notified before the certificates are resumed.
"""

from handlers.conversations.resume.guide import RESUME as GUIDE
from handlers.engine.model import ButtonTransition, Conversation, Step, StepContext, StepResult
from handlers.identity.card_number_input import card_number_input
from handlers.identity.code_verification import CodeVerification
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
    "▶️ <b>Resume (復用)</b> makes a suspended certificate usable again. You need the subscriber "
    "code, the IC card number and a one-time code by e-mail."
)
_SAFE = N_(
    "<b>Is the card safe?</b>\nYou have it back in your hands, and nobody else knows the PIN?"
)
_CARD = N_(
    "✅ <b>The code is right.</b> Now the <b>IC card number</b> (IC卡卡號) of the card in your "
    "hands: 2 letters and 14 digits. It is not the UI No. Type it here; I delete your message at "
    "once."
)
_MAIL = N_(
    "✅ <b>The card number is right.</b> Last, a one-time code to the e-mail address on your "
    "application."
)
_TELL = N_(
    "✅ <b>You have shown everything.</b> Before I resume, I tell your linked chats and your "
    "mailbox, so that nobody does it behind your back. Shall I go on?"
)
_CONFIRM = N_(
    "📣 <b>They are told.</b> Nothing is resumed yet.\n\n"
    "<b>Resume now?</b> At once the card can sign, log in and decrypt again, with its PIN."
)
_DONE = N_(
    "▶️ <b>Resumed.</b> The certificate can be used again, with the same PIN.\n\n"
    "Is the card gone again? Suspend it at once; that takes a minute."
)
_ALREADY = N_(
    "✅ <b>The certificate is not suspended</b>, so nothing has to be done. It can be used, with "
    "its PIN.\n\n"
    "Is the PIN locked? That is another thing: unlock the card (鎖卡解碼)."
)

_STAY_BUTTON = ButtonTransition("stay", N_("🛑 Leave it suspended"), "stay")
_SAFETY_STEP = Step(
    _SAFE,
    (
        ButtonTransition("yes", N_("✅ Yes"), "who"),
        ButtonTransition("no", N_("❌ No, or not sure"), "stay"),
    ),
)


def resume_conversation(authority: Authority, database: Database) -> Conversation:
    """Return the conversation."""
    one_time_code = OneTimeCodeStep(authority, AuthorityOperation.RESUME, "tell")
    verification = CodeVerification(
        authority,
        AuthorityOperation.RESUME,
        "card",
        on_verified=check_precondition(authority, database, "card", _next_step),
        also_targets=(NOTHING_TO_DO, *UNAVAILABLE_STEP_NAMES),
        introduction=_INTRODUCTION,
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
            "card": Step(
                _CARD,
                secret_input=card_number_input(authority.credentials, "card", "mail"),
                requires=(GRANT,),
            ),
            "mail": Step(_MAIL, (one_time_code.send_button,), requires=(GRANT,)),
            one_time_code.name: one_time_code.step,
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
        N_("📣 Tell them and go on"),
        "confirm",
        effect,
        also_targets=("who", *UNAVAILABLE_STEP_NAMES),
    )


def _resume_button(certificates: Certificates) -> ButtonTransition:
    effect = run_with_grant(certificates.resume, _next_step)
    return ButtonTransition(
        "resume",
        N_("▶️ Resume it now"),
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
