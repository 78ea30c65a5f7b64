"""Activating (開卡) the card in the reader: its PIN is set and its certificates become active.

The certificates become active only after the card has proved possession with the new PIN. From
then on the subscriber code can no longer be retrieved.
"""

from handlers.card.live_messages import LiveMessages
from handlers.card.operation_steps import CardConversation
from handlers.card.pairing_steps import PcSetup
from handlers.card.pin_setup import PinSetupConversation
from handlers.conversations.activate.guide import ACTIVATE as GUIDE
from handlers.engine.model import ButtonTransition, StatusMessage, StepContext, StepResult
from handlers.identity.granted_actions import offer_or_done
from handlers.screen.text import N_
from services.authority.interface.authority import Authority
from services.bridge import events
from services.bridge.interface import BridgeHub
from services.bridge.operations.card_task import CardTask

_READY = N_(
    "🆕 <b>Activate your card (開卡)</b>\n"
    "<b>Have ready</b>\n"
    "• your new card\n"
    "• a PC (Windows, Mac or Linux) with a card reader\n"
    "• the application form with your subscriber code (用戶代碼)\n"
    "• a new PIN that you choose: {pin_rule}, best mixed, no spaces\n"
    "\n"
    "First connect your PC, then verify your identity. Type your PIN only on the PC: no one "
    "here can see it."
)
_INTRODUCTION = N_("🆕 <b>Your PC is connected.</b> Next, verify your identity.")
_CONFIRM = N_(
    "<b>Activate the card now?</b>\n"
    "• On your PC, approve the request and enter the new PIN twice.\n"
    "• Your certificate becomes valid immediately.\n"
    "• <b>After that no one, including us, can give you the subscriber code.</b> Have you "
    "written it down? You need it to suspend, reactivate or unlock.\n"
    "• We'll email you and notify your linked chats."
)
_DONE = N_(
    "✅ <b>Activated (開卡).</b> Your certificate is valid now. You can take the card out, and "
    "close kaika-bridge when you no longer need it.\n"
    "\n"
    "• <b>Keep the form</b>: no one can give the subscriber code back after activation.\n"
    "• Card lost? Suspend it here right away."
)
_ALREADY_ACTIVE = StatusMessage(
    N_("ℹ️ The card was already active. Your PIN is the one you just typed.")
)


async def _on_done(value: events.CardTaskValue, ctx: StepContext) -> StepResult:
    changed = isinstance(value, events.PinSetResult) and value.changed
    return StepResult(
        offer_or_done(ctx), message=None if changed else _ALREADY_ACTIVE, clears_history=True
    )


_ACTIVATE = PinSetupConversation(
    CardTask.ACTIVATE,
    GUIDE.title,
    _READY,
    _INTRODUCTION,
    _CONFIRM,
    N_("🆕 Activate now"),
    _DONE,
    _on_done,
    other_buttons=(ButtonTransition("code", N_("🔑 I forgot the code"), "retrieve/form"),),
    links=("card_check", "status"),
)


def activate_conversation(
    authority: Authority, hub: BridgeHub, live_messages: LiveMessages, setup: PcSetup
) -> CardConversation:
    """Return the conversation."""
    return _ACTIVATE.build(authority, hub, live_messages, setup)
