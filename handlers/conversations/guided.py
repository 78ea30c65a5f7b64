"""The conversations as walks through the official page. One file a conversation."""

from collections.abc import Mapping

from handlers.conversations.activate.guide import ACTIVATE
from handlers.conversations.card_check.guide import CARD_CHECK
from handlers.conversations.change_pin.guide import CHANGE_PIN
from handlers.conversations.pay.guide import PAY
from handlers.conversations.resume.guide import RESUME
from handlers.conversations.retrieve.guide import RETRIEVE
from handlers.conversations.status.guide import STATUS
from handlers.conversations.suspend.guide import SUSPEND
from handlers.conversations.triage.guide import TRIAGE
from handlers.conversations.unlock.guide import UNLOCK
from handlers.engine.model import Conversation

CONVERSATIONS: Mapping[str, Conversation] = {
    dialog.name: dialog
    for dialog in (
        TRIAGE, RETRIEVE, PAY, ACTIVATE, SUSPEND, RESUME, UNLOCK, CHANGE_PIN, STATUS,
        CARD_CHECK,
    )
}  # fmt: skip
"""Every conversation by its name, in the order in which they are listed."""
