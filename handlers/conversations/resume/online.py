"""Resume (復用), carried out: take a suspension off (FACTS.md §1.6).

UI No. and code, card number, one-time code by e-mail. Everyone linked is told before it is done.
"""

from handlers.conversations.resume.guide import RESUME as GUIDE
from handlers.engine.model import Choice, Dialog, Outcome, Scene, Step
from handlers.identity.card_number import card_number
from handlers.identity.chat_linking import DONE, OFFER, after_a_right_code, offer_or_end
from handlers.identity.code import GRANT, Identification
from handlers.identity.granted_actions import ALREADY, carried_out, looked_ahead
from handlers.identity.limits import RESTS
from handlers.identity.one_time_code import OneTimeMail
from handlers.identity.unavailable_steps import ENDS, REVOKED, STEPS
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

_STAY = Choice("stay", N_("🛑 Leave it suspended"), "stay")
_IS_IT_SAFE = Step(
    _SAFE,
    (Choice("yes", N_("✅ Yes"), "who"), Choice("no", N_("❌ No, or not sure"), "stay")),
)


def resume(authority: Authority, database: Database) -> Dialog:
    """Give the conversation."""
    mail = OneTimeMail(authority, Operation.RESUME, "tell")
    start = Identification(
        authority,
        Operation.RESUME,
        "card",
        then=looked_ahead(authority, database, "card", _led),
        others=(ALREADY, *STEPS),
        lead=_LEAD,
    )
    return Dialog(
        name="resume",
        title=GUIDE.title,
        begins="which",
        lasts=RESTS,
        steps={
            "which": GUIDE.steps["which"],
            "safe": _IS_IT_SAFE,
            "stay": GUIDE.steps["stay"],
            **start.steps,
            "card": Step(
                _CARD, secret=card_number(authority.credentials, "card", "mail"), needs=("grant",)
            ),
            "mail": Step(_MAIL, (mail.ask,), needs=("grant",)),
            mail.here: mail.step,
            "tell": Step(_TELL, (_tell(authority.certificates), _STAY), needs=("grant",)),
            "confirm": Step(_CONFIRM, (_now(authority.certificates), _STAY), needs=("grant",)),
            **after_a_right_code(authority.links, _DONE, ("suspend",)),
            ALREADY: Step(_ALREADY, links=("unlock", "suspend")),
            **ENDS,
            REVOKED: GUIDE.steps["revoked"],
        },
    )


def _tell(certificates: Certificates) -> Choice:
    told = carried_out(certificates.announce_resumption, _announced)
    return Choice("tell", N_("📣 Tell them and go on"), "confirm", told, others=("who", *STEPS))


def _now(certificates: Certificates) -> Choice:
    done = carried_out(certificates.resume, _led)
    return Choice(
        "resume", N_("▶️ Resume it now"), DONE, done, others=(OFFER, ALREADY, "who", *STEPS)
    )


def _announced(_change: Change, _scene: Scene) -> Outcome:
    return Outcome("confirm", is_one_way=True)


def _led(change: Change, scene: Scene) -> Outcome:
    if change.changed:
        return Outcome(offer_or_end(scene), is_one_way=True)
    return Outcome(ALREADY, forget=(GRANT,), is_one_way=True)
