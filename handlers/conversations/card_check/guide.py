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
                ButtonTransition("fine", N_("✅ All OK"), "fine"),
                ButtonTransition("not", N_("❌ Something is missing"), "missing"),
            ),
            picture="reader",
        ),
        "fine": Step(
            N_(
                "✅ <b>Your reader and card are ready for the official page.</b> Use only that "
                "page for the PIN and activation: other software can lock a MOICA card "
                "permanently."
            ),
            links=("activate", "change_pin", "unlock"),
        ),
        "missing": Step(
            N_(
                "🔧 <b>Do what the line with ✗ says, then run it again.</b>\n"
                "• Reader: try another USB port, install its driver, plug it in before you "
                "start the program.\n"
                "• Card: gold chip first, all the way in; wipe it with a dry cloth.\n"
                "• Reader service: restart the PC.\n"
                "\n"
                "Help by phone: {hotline}. You can also type an error code here."
            ),
            (ButtonTransition("fine", N_("✅ It's OK now"), "fine"),),
            picture="reader",
        ),
    },
)
