"""Checking reader and card with the bridge's own check on the PC, before the official page is used.

Where the bot is connected to bridges, `handlers.conversations.card_check.online` takes its place.
"""

from handlers.conversations.card_check.online import ALONE, NAME, TITLE
from handlers.engine.model import ButtonTransition, Conversation, Step
from handlers.screen.text import N_

CARD_CHECK = Conversation(
    name=NAME,
    title=TITLE,
    initial="ready",
    steps={
        "ready": Step(
            ALONE,
            (
                ButtonTransition("fine", N_("✅ All in order"), "fine"),
                ButtonTransition("not", N_("❌ Something is missing"), "missing"),
            ),
        ),
        "fine": Step(
            N_(
                "✅ <b>Reader and card are ready for the official page.</b> Use only that page for "
                "PIN and activation: other software can lock a MOICA card for good."
            ),
            links=("activate", "change_pin", "unlock"),
        ),
        "missing": Step(
            N_(
                "🔧 <b>Do what the line with ✗ says, then run it again.</b>\n"
                "• Reader: another USB port; its driver; plugged in before the program starts.\n"
                "• Card: gold chip first, as far as it goes; wipe it with a dry cloth.\n"
                "• Reader service: restart the PC.\n\n"
                "The hotline 0800-080-117 helps, too. Type an error code here and I explain it."
            ),
            (ButtonTransition("fine", N_("✅ Now it is in order"), "fine"),),
        ),
    },
)
