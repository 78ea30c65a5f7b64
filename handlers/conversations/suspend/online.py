"""Suspending (停用) the certificates (docs/facts.md §1.6).

The person is verified by UI No. and code, then by the card number or a one-time code. Without the
code, birth date and one-time code are enough; who cannot read that e-mail sends the form by fax.
"""

from collections.abc import Mapping
from dataclasses import replace

from handlers.conversations.suspend.guide import STOP_QUESTION
from handlers.conversations.suspend.guide import SUSPEND as GUIDE
from handlers.engine.model import ButtonTransition, Conversation, Step, StepContext, StepResult
from handlers.identity.birth_date_verification import BirthDateVerification
from handlers.identity.card_number_input import WHERE_IS_IT, card_number_input
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
from handlers.identity.unavailable_steps import UNAVAILABLE_STEP_NAMES, UNAVAILABLE_STEPS
from handlers.lost_card import LABEL as LOST_CARD
from handlers.screen.text import N_
from services.authority.data_types import AuthorityOperation, Change
from services.authority.interface.authority import Authority
from services.authority.interface.certificates import Certificates
from services.storage.database import Database

_INTRODUCTION = N_(
    "⏸ <b>Suspend (停用)</b> right away. You can undo it, and you don't need the card or PIN."
)
_PROOF = N_(
    "✅ <b>The code is correct.</b> One more thing, choose one:\n"
    "✉️ <b>a one-time code</b> by e-mail: press the button, or\n"
    "🪪 <b>the IC card number</b> (IC卡卡號), {card_number_shape}: type it here. Your message "
    "is deleted right away.\n"
    "\n"
    "The card number is not the UI No. If you don't have it, use e-mail."
)
_PROOF_AGAIN = N_("🪪 Type the <b>IC card number</b> (IC卡卡號), or send a one-time code.")
_CONFIRM = N_(
    "<b>Suspend the card now?</b>\n"
    "• No one can sign, log in or decrypt with it any longer, effective immediately.\n"
    "• <b>To reactivate online</b> (復用) you need the subscriber code, the card number and a "
    "one-time code. Without the code, only the counter can.\n"
    "• We'll email you and notify your linked chats."
)
_DONE = N_(
    "⏸ <b>Suspended.</b> No one can use the certificate now.\n"
    "\n"
    "<b>To reactivate it</b> (復用), you need the subscriber code, the IC card number and a "
    "one-time code; without the code, only the counter can. If you can't find the card, revoke "
    "it at a service station and apply again, {fee}."
)
_ALREADY = N_(
    "⏸ <b>The certificate is already suspended</b>, so no one can use it.\n"
    "\n"
    "Found the card? Reactivate it (復用). If you can't find it, revoke it at a service station "
    "and apply again, {fee}."
)
_NO_CODE = N_(
    "<b>You can suspend the card without the code</b>, whether it's lost, forgotten or locked.\n"
    "✉️ <b>By e-mail</b>: your birth date and a one-time code. It takes a minute.\n"
    "📠 <b>By fax</b>: if you can't open that mailbox.\n"
    "🔑 Is the card not activated yet? Then you can get the code back."
)
_LOCKED = N_(
    "🔒 <b>You can still suspend the card now</b>, with your birth date and a one-time code by "
    "e-mail."
)
_BY_MAIL = N_(
    "⏸ <b>Suspend without the code</b>: with your birth date and a one-time code by e-mail."
)

_MAIL_LIMIT = Step(
    N_(
        "⚠️ <b>The card is not suspended yet.</b> Can't wait? Send the emergency form by fax, or "
        "suspend with the subscriber code and the IC card number."
    ),
    links=("suspend/fax", "suspend/by_mail", "suspend/who"),
)

_FAX_BUTTON = ButtonTransition("fax", N_("📠 Use fax"), "fax")
_STEPS_WITHOUT_CODE: Mapping[str, Step] = {
    "no_code": Step(
        _NO_CODE,
        (
            ButtonTransition("mail", N_("✉️ Suspend by e-mail"), "by_mail"),
            _FAX_BUTTON,
            ButtonTransition("forgotten", N_("🔑 Get my code back"), "retrieve/form"),
        ),
    ),
    "fax": GUIDE.steps["fax"],
    "send": GUIDE.steps["send"],
    "faxed": GUIDE.steps["faxed"],
    "revoke": replace(GUIDE.steps["revoke"], links=("suspend",)),
}


def suspend_conversation(authority: Authority, database: Database) -> Conversation:
    """Return the conversation."""
    one_time_code = OneTimeCodeStep(
        authority,
        AuthorityOperation.SUSPEND,
        "confirm",
        _MAIL_LIMIT,
        limit_target="proof",
        on_verified=check_precondition(authority, database, "confirm", _next_step),
        verified_targets=(NOTHING_TO_DO, *UNAVAILABLE_STEP_NAMES),
    )
    verification = _code_verification(authority, database).steps
    return Conversation(
        name="suspend",
        title=GUIDE.title,
        initial="who",
        timeout=SECRET_TIMEOUT,
        steps={
            **verification,
            "who": replace(verification["who"], title=LOST_CARD, stop_question=STOP_QUESTION),
            "proof": Step(
                _PROOF,
                (one_time_code.send_button,),
                (WHERE_IS_IT,),
                secret_input=card_number_input(authority.credentials, "proof", "confirm"),
                requires=(GRANT,),
                picture="cards",
                reminder=_PROOF_AGAIN,
            ),
            **one_time_code.steps,
            "confirm": Step(
                _CONFIRM, (_suspend_button(authority.certificates),), requires=(GRANT,)
            ),
            **linking_steps(authority.links, _DONE, ("suspend/revoke",), next_steps=("resume",)),
            NOTHING_TO_DO: Step(_ALREADY, links=("resume", "suspend/revoke")),
            **_birth_date_verification(authority, one_time_code).steps,
            **_STEPS_WITHOUT_CODE,
            **UNAVAILABLE_STEPS,
        },
    )


def _birth_date_verification(
    authority: Authority, one_time_code: OneTimeCodeStep
) -> BirthDateVerification:
    return BirthDateVerification(
        authority,
        one_time_code,
        number_step="by_mail",
        date_step="born",
        introduction=_BY_MAIL,
        buttons=(_FAX_BUTTON,),
        title=N_("✉️ Suspend by e-mail"),
    )


def _code_verification(authority: Authority, database: Database) -> CodeVerification:
    return CodeVerification(
        authority,
        AuthorityOperation.SUSPEND,
        "proof",
        on_verified=check_precondition(authority, database, "proof", _next_step),
        also_targets=(NOTHING_TO_DO, *UNAVAILABLE_STEP_NAMES),
        introduction=_INTRODUCTION,
        buttons=(ButtonTransition("none", N_("❓ I don't have the code"), "no_code"),),
        locked_step=Step(
            _LOCKED, (ButtonTransition("birth", N_("🎂 Continue by e-mail"), "born"), _FAX_BUTTON)
        ),
        verify_step="born",
    )


def _suspend_button(certificates: Certificates) -> ButtonTransition:
    return ButtonTransition(
        "suspend",
        N_("⏸ Suspend now"),
        DONE,
        run_with_grant(certificates.suspend, _next_step),
        also_targets=(OFFER, NOTHING_TO_DO, "who", *UNAVAILABLE_STEP_NAMES),
    )


def _next_step(change: Change, ctx: StepContext) -> StepResult:
    if change.changed:
        return StepResult(offer_or_done(ctx), clears_history=True)
    return StepResult(NOTHING_TO_DO, clear_data=(GRANT,), clears_history=True)
