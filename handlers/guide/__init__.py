"""The conversations as walks through the official page. One file a conversation."""

from collections.abc import Mapping

from handlers.dialog.declaration import Dialog
from handlers.guide.activate import ACTIVATE
from handlers.guide.card_check import CARD_CHECK
from handlers.guide.change_pin import CHANGE_PIN
from handlers.guide.pay import PAY
from handlers.guide.resume import RESUME
from handlers.guide.retrieve import RETRIEVE
from handlers.guide.status import STATUS
from handlers.guide.suspend import SUSPEND
from handlers.guide.triage import TRIAGE
from handlers.guide.unlock import UNLOCK

CONVERSATIONS: Mapping[str, Dialog] = {
    dialog.name: dialog
    for dialog in (
        TRIAGE, RETRIEVE, PAY, ACTIVATE, SUSPEND, RESUME, UNLOCK, CHANGE_PIN, STATUS,
        CARD_CHECK,
    )
}  # fmt: skip
"""Every conversation by its name, in the order in which they are listed."""
