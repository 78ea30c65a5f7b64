"""Triage where the bot carries operations out: the guide's questions with other targets."""

from collections.abc import Mapping
from dataclasses import replace

from handlers.conversations.triage.guide import TRIAGE as GUIDE
from handlers.engine.model import ButtonTransition, Conversation, Step
from handlers.screen.text import N_

_TARGETS: Mapping[str, str] = {"suspend/ready": "suspend/who", "status/issued": "status/who"}
"""The targets that replace those of the guide."""
_TARGETS_WITH_BRIDGE: Mapping[str, str] = {"reader": "card_check/ready"}
"""Further ones where the bot reaches the card; their steps in the guide are dropped."""


def triage_conversation(takes_payments: bool, reaches_card: bool = False) -> Conversation:
    """Return the conversation.

    :param takes_payments: whether the fee is paid in the chat.
    :param reaches_card: whether the bot reaches cards through a bridge.
    """
    dropped = _TARGETS_WITH_BRIDGE if reaches_card else {}
    targets = {**_TARGETS, **dropped}
    steps = {
        name: _with_targets(step, targets)
        for name, step in GUIDE.steps.items()
        if name not in dropped
    }
    return replace(GUIDE, steps={**steps, **(_PAYMENT_STEPS if takes_payments else {})})


def _with_targets(step: Step, targets: Mapping[str, str]) -> Step:
    buttons = (replace(each, target=targets.get(each.target, each.target)) for each in step.buttons)
    return replace(step, buttons=tuple(buttons))


_CANNOT_PAY = Step(
    N_("<b>What happens?</b>"),
    (
        ButtonTransition("no_data", N_("🔎 Code or UI No. wrong"), "no_data"),
        ButtonTransition("code", N_("🔑 I forgot the code"), "retrieve/form"),
        ButtonTransition("late", N_("⏳ The {pay_days} are over"), "retrieve/overdue"),
        ButtonTransition("refused", N_("💳 Card payment declined"), "card"),
        ButtonTransition("not_applied", N_("❔ Not applied yet"), "retrieve/not_applied"),
        ButtonTransition("how", N_("❓ I don't know how"), "pay/who"),
    ),
)
_NO_DATA = Step(
    N_(
        "🔎 <b>UI No. or code incorrect?</b>\n"
        "• Compare each character with the form; capital and small letters matter.\n"
        "• Not paid in {pay_days}: the application is deleted. Apply again in person.\n"
        "• After three wrong codes this chat waits a day; the fourth locks the code. It's "
        "safer to get the code back."
    ),
    (
        ButtonTransition("retrieve", N_("🔑 Get the code back"), "retrieve/form"),
        ButtonTransition("again", N_("🔁 Try again"), "pay/who"),
    ),
)
_CARD = Step(
    N_(
        "💳 <b>Card payment declined?</b>\n"
        "If you got no receipt here, nothing was paid. Ask your bank about online payments, or "
        "try another card. You can't pay twice: once the fee is paid, the chat tells you."
    ),
    (
        ButtonTransition("again", N_("🔁 Try again"), "pay/who"),
        ButtonTransition("look", N_("📍 Check if it's paid"), "status/who"),
    ),
)
_PAYMENT_STEPS: Mapping[str, Step] = {
    "cannot_pay": _CANNOT_PAY,
    "no_data": _NO_DATA,
    "card": _CARD,
}
