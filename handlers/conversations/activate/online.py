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
    "🆕 <b>Activate a new card (開卡)</b>\n"
    "<b>Have ready</b>\n"
    "• the new card\n"
    "• a Windows PC, Mac or Linux PC with a card reader\n"
    "• the application form with the subscriber code (用戶代碼)\n"
    "• a PIN that you choose yourself: 6–8 characters, letters and digits, best mixed, no "
    "spaces\n\n"
    "First I connect your PC, then I ask for UI No. and code. The PIN is typed on the PC only; "
    "nobody here ever sees it."
)
_INTRODUCTION = N_("🆕 <b>Your PC is connected.</b> Now show whose card it is.")
_CONFIRM = N_(
    "<b>Activate now?</b>\n"
    "• On your PC you say yes and choose the PIN, typed twice.\n"
    "• At once the certificate is good: you can sign and log in with the card.\n"
    "• <b>From then on nobody can give the subscriber code back</b>, not even we. Have you written "
    "it down? Suspending, resuming and unlocking need it.\n"
    "• You are told by e-mail, and so are your linked chats."
)
_DONE = N_(
    "✅ <b>Activated (開卡).</b> The card has its PIN and proved that it is yours; the certificate "
    "is good from now on.\n\n"
    "• Only you know the PIN. Forgotten or locked? Unlock the card with the code.\n"
    "• <b>Keep the form with the code</b>: nobody can give it back any more.\n"
    "• Card lost? Suspend it at once, here.\n\n"
    "The card can be taken out, and kaika-bridge closed."
)
_ALREADY_ACTIVE = StatusMessage(
    N_("ℹ️ It was active already; the PIN is the one you typed just now.")
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
