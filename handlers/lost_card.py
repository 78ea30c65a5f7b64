"""The way to suspend a lost card: one command, and one button that stands first wherever it is."""

from telegram import InlineKeyboardButton

from handlers.screen.text import N_, label
from handlers.screen.view import button

COMMAND = "lost"
CONVERSATION = "suspend"
LABEL = N_("🚨 Card lost")


def lost_card_button(language: str) -> InlineKeyboardButton:
    """Return the button that begins to suspend the card, below what was pressed."""
    return button(label(language, LABEL), "go", CONVERSATION)
