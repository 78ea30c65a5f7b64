"""Resume (復用), carried out: take a suspension off (docs/facts.md §1.6).

UI No. and code, card number, one-time code by e-mail. Everyone linked is told before it is done.
"""

from handlers.conversations.resume.guide import RESUME as GUIDE
from handlers.engine.model import ButtonTransition, Conversation, Step, StepContext, StepResult
from handlers.identity.card_number import card_number_input
from handlers.identity.chat_linking import DONE, OFFER, linking_steps, offer_or_done
from handlers.identity.code import CodeVerification
from handlers.identity.granted_actions import NOTHING_TO_DO, check_precondition, run_with_grant
from handlers.identity.one_time_code import OneTimeCodeStep
from handlers.identity.step_data import GRANT, SECRET_TIMEOUT
from handlers.identity.unavailable_steps import REVOKED, UNAVAILABLE_STEP_NAMES, UNAVAILABLE_STEPS
from handlers.screen.text import N_
from services.authority.interface.authority import Authority
from services.authority.interface.certificates import Certificates
from services.authority.values import Change, Operation
from services.storage.database import Database

_LEAD = N_(
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

_STAY = ButtonTransition("stay", N_("🛑 Leave it suspended"), "stay")
_IS_IT_SAFE = Step(
    _SAFE,
    (
        ButtonTransition("yes", N_("✅ Yes"), "who"),
        ButtonTransition("no", N_("❌ No, or not sure"), "stay"),
    ),
)


def resume(authority: Authority, database: Database) -> Conversation:
    """Return the conversation."""
    mail = OneTimeCodeStep(authority, Operation.RESUME, "tell")
    start = CodeVerification(
        authority,
        Operation.RESUME,
        "card",
        on_verified=check_precondition(authority, database, "card", _led),
        also_targets=(NOTHING_TO_DO, *UNAVAILABLE_STEP_NAMES),
        introduction=_LEAD,
    )
    return Conversation(
        name="resume",
        title=GUIDE.title,
        initial="which",
        timeout=SECRET_TIMEOUT,
        steps={
            "which": GUIDE.steps["which"],
            "safe": _IS_IT_SAFE,
            "stay": GUIDE.steps["stay"],
            **start.steps,
            "card": Step(
                _CARD,
                secret_input=card_number_input(authority.credentials, "card", "mail"),
                requires=("grant",),
            ),
            "mail": Step(_MAIL, (mail.send_button,), requires=("grant",)),
            mail.name: mail.step,
            "tell": Step(_TELL, (_tell(authority.certificates), _STAY), requires=("grant",)),
            "confirm": Step(_CONFIRM, (_now(authority.certificates), _STAY), requires=("grant",)),
            **linking_steps(authority.links, _DONE, ("suspend",)),
            NOTHING_TO_DO: Step(_ALREADY, links=("unlock", "suspend")),
            **UNAVAILABLE_STEPS,
            REVOKED: GUIDE.steps["revoked"],
        },
    )


def _tell(certificates: Certificates) -> ButtonTransition:
    told = run_with_grant(certificates.announce_resumption, _announced)
    return ButtonTransition(
        "tell",
        N_("📣 Tell them and go on"),
        "confirm",
        told,
        also_targets=("who", *UNAVAILABLE_STEP_NAMES),
    )


def _now(certificates: Certificates) -> ButtonTransition:
    done = run_with_grant(certificates.resume, _led)
    return ButtonTransition(
        "resume",
        N_("▶️ Resume it now"),
        DONE,
        done,
        also_targets=(OFFER, NOTHING_TO_DO, "who", *UNAVAILABLE_STEP_NAMES),
    )


def _announced(_change: Change, _scene: StepContext) -> StepResult:
    return StepResult("confirm", clears_history=True)


def _led(change: Change, ctx: StepContext) -> StepResult:
    if change.changed:
        return StepResult(offer_or_done(ctx), clears_history=True)
    return StepResult(NOTHING_TO_DO, clear_data=(GRANT,), clears_history=True)
