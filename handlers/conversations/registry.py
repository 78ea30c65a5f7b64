"""Every conversation of the embedded authority, put together.

Those for the card in its reader are walks through the page here too.
"""

from collections.abc import Mapping

from handlers.conversations.activate.guide import ACTIVATE
from handlers.conversations.change_pin.guide import CHANGE_PIN
from handlers.conversations.pay.online import pay
from handlers.conversations.resume.online import resume
from handlers.conversations.retrieve.online import retrieve
from handlers.conversations.status.online import status
from handlers.conversations.suspend.online import suspend
from handlers.conversations.triage.online import triage
from handlers.conversations.unlock.guide import UNLOCK
from handlers.engine.model import Conversation
from services.authority.interface.authority import Authority
from services.storage.database import Database


def conversations(
    authority: Authority, database: Database, takes_money: bool = False
) -> Mapping[str, Conversation]:
    """Return every conversation by its name, in the order in which they are listed.

    :param takes_money: whether there is a payment provider.
    """
    dialogs = (
        triage(),
        retrieve(authority),
        pay(authority, database, takes_money),
        ACTIVATE,
        suspend(authority, database),
        resume(authority, database),
        UNLOCK,
        CHANGE_PIN,
        status(authority),
    )
    return {dialog.name: dialog for dialog in dialogs}
