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
    "🔓 <b>Unlock the card and set a new PIN (鎖卡解碼)</b>\n"
    "🛑 Don't try the old PIN again.\n"
    "\n"
    "<b>Have ready</b>\n"
    "• the card\n"
    "• a PC (Windows, Mac or Linux) with a card reader\n"
    "• your subscriber code (用戶代碼)\n"
    "• a new PIN that you choose: {pin_rule}, best mixed, no spaces\n"
    "\n"
    "First connect your PC, then verify your identity. Type the PIN only on the PC."
)
_INTRODUCTION = N_("🔓 <b>Your PC is connected.</b> Next, verify your identity.")
_CONFIRM = N_(
    "<b>Unlock the card now?</b>\n"
    "• On your PC, approve the request and enter the new PIN twice.\n"
    "• Your old PIN stops working; the attempt counter is reset.\n"
    "• Your certificate and subscriber code stay the same."
)
_DONE = N_(
    "✅ <b>Unlocked (鎖卡解碼).</b> The new PIN is set and the attempt counter is reset. Only you "
    "know the PIN.\n"
    "\n"
    "You can take the card out, and close kaika-bridge when you no longer need it."
)
_NO_CODE = N_(
    "🔑 <b>You need the subscriber code to unlock the card</b>, and after activation no one can "
    "give it back. If you remember the PIN and it's not locked, you can change it. If not, ask "
    "{hotline}; the last option is probably to revoke and apply again, {fee}."
)
_CODE_LOCKED = N_(
    "🔒 <b>The counter can release a locked code</b>: bring your ARC. This lock is separate "
    "from the PIN's: you can still use the card with its PIN, and suspend it."
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
        ButtonTransition("no_code", N_("🔑 I lost the code"), "no_code"),
        ButtonTransition("locked", N_("🔒 The code is locked"), "code_locked"),
    ),
    links=("card_check",),
    extra_steps={
        "no_code": Step(_NO_CODE, links=("change_pin",)),
        "code_locked": Step(_CODE_LOCKED, links=("suspend/by_mail",)),
    },
)


def unlock_conversation(
    authority: Authority, hub: BridgeHub, live_messages: LiveMessages, setup: PcSetup
) -> CardConversation:
    """Return the conversation."""
    return _UNLOCK.build(authority, hub, live_messages, setup)
