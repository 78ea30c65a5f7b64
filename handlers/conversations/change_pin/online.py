"""Changing the PIN (修改PIN碼) of the card in the reader; it needs the old PIN, but no code."""

from handlers.card.live_messages import LiveMessages
from handlers.card.operation_steps import CardConversation, OperationSteps
from handlers.card.pairing_steps import CLIENT_LANGUAGE, PcSetup
from handlers.conversations.change_pin.guide import CHANGE_PIN as GUIDE
from handlers.engine.model import ButtonTransition, Conversation, Step, StepContext, StepResult
from handlers.identity.step_data import SECRET_TIMEOUT
from handlers.screen.text import N_
from services.bridge import events
from services.bridge.interface import BridgeHub
from services.bridge.operations.card_task import CardTask

_START = N_(
    "🔢 <b>Change your PIN (修改PIN碼)</b>\n"
    "<b>Have ready</b>\n"
    "• the card\n"
    "• a PC (Windows, Mac or Linux) with a card reader\n"
    "• your old PIN, and a new one: {pin_rule}, best mixed, no spaces\n"
    "\n"
    "Type both only on the PC, never in this chat. Don't guess: three wrong PINs lock the card."
)
_DONE = N_(
    "✅ <b>The new PIN is set.</b> Your old PIN stops working. Only you know the new one.\n"
    "\n"
    "You can take the card out, and close kaika-bridge when you no longer need it."
)


def change_pin_conversation(
    hub: BridgeHub, live_messages: LiveMessages, setup: PcSetup
) -> CardConversation:
    """Return the conversation."""
    operation = OperationSteps(
        hub,
        live_messages,
        setup,
        CardTask.CHANGE_PIN,
        _on_done,
        done_steps=("done",),
        links=("unlock", "card_check"),
    )
    start = operation.start_button("yes", N_("▶️ Change it now"))
    conversation = Conversation(
        name="change_pin",
        title=GUIDE.title,
        initial="know",
        timeout=SECRET_TIMEOUT,
        steps={
            "know": Step(
                _START,
                (start, ButtonTransition("no", N_("❌ Forgotten or locked"), "unlock/ready")),
                on_shown=live_messages.record_message,
                picture="numbers",
            ),
            **operation.steps,
            "done": Step(_DONE, requires=(CLIENT_LANGUAGE,), links=("card_check",)),
        },
    )
    return CardConversation(conversation, operation.pairing, operation)


async def _on_done(_value: events.CardTaskValue, _ctx: StepContext) -> StepResult:
    return StepResult("done", clears_history=True)
