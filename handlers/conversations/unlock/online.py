"""Unlocking (鎖卡解碼) the card in the reader: a new PIN for one that is locked or forgotten."""

from handlers.card.live_messages import LiveMessages
from handlers.card.operation_steps import CardConversation
from handlers.card.pairing_steps import PcSetup
from handlers.card.pin_setup import PinSetupConversation
from handlers.conversations.unlock.guide import UNLOCK as GUIDE
from handlers.engine.model import ButtonTransition, Step, StepContext, StepResult
from handlers.identity.granted_actions import offer_or_done
from handlers.screen.text import N_
from services.authority.interface.authority import Authority
from services.bridge import events
from services.bridge.interface import BridgeHub
from services.bridge.operations.card_task import CardTask

_READY = N_(
    "🔓 <b>A new PIN for your card (鎖卡解碼)</b>\n"
    "🛑 Do not try the old PIN again.\n\n"
    "<b>Have ready</b>\n"
    "• the card\n"
    "• a Windows PC, Mac or Linux PC with a card reader\n"
    "• the subscriber code (用戶代碼)\n"
    "• a new PIN in mind: 6–8 characters, letters and digits, best mixed, no spaces\n\n"
    "First I connect your PC, then I ask for UI No. and code. The PIN is typed on the PC only."
)
_INTRODUCTION = N_("🔓 <b>Your PC is connected.</b> Now show whose card it is.")
_CONFIRM = N_(
    "<b>Unlock now?</b>\n"
    "• On your PC you say yes and choose a new PIN, typed twice.\n"
    "• The old PIN is good no more, and all tries are back.\n"
    "• Certificates and subscriber code stay as they are."
)
_DONE = N_(
    "✅ <b>Unlocked (解碼).</b> The new PIN is set, all tries are back, and the card proved that "
    "it is yours. Only you know the PIN.\n\nThe card can be taken out, and kaika-bridge closed."
)
_NO_CODE = N_(
    "🔑 <b>Without the subscriber code a locked card cannot be unlocked</b>, and after activation "
    "nobody can give the code back. You remember the PIN and it is not locked? Then you can change "
    "it. Otherwise ask 0800-080-117; the last resort, as we see it: revoke and apply anew, NT$278."
)
_CODE_LOCKED = N_(
    "🔒 <b>A locked code is released at the counter</b>, where you show your residence permit. It "
    "is another lock than that of the PIN. Until then the card with its PIN works as before, and "
    "you can suspend it."
)


async def _on_done(_value: events.CardTaskValue, ctx: StepContext) -> StepResult:
    return StepResult(offer_or_done(ctx), clears_history=True)


_UNLOCK = PinSetupConversation(
    CardTask.UNLOCK,
    GUIDE.title,
    _READY,
    _INTRODUCTION,
    _CONFIRM,
    N_("🔓 Unlock now"),
    _DONE,
    _on_done,
    other_buttons=(
        ButtonTransition("no_code", N_("🔑 I no longer have the code"), "no_code"),
        ButtonTransition("locked", N_("🔒 The code is locked"), "code_locked"),
    ),
    links=("card_check",),
    extra_steps={
        "no_code": Step(_NO_CODE, links=("change_pin",)),
        "code_locked": Step(_CODE_LOCKED, links=("suspend/locked_out",)),
    },
)


def unlock_conversation(
    authority: Authority, hub: BridgeHub, live_messages: LiveMessages, setup: PcSetup
) -> CardConversation:
    """Return the conversation."""
    return _UNLOCK.build(authority, hub, live_messages, setup)
