"""Every conversation of the embedded authority, put together.

Those for the card in its reader are walks through the page here too.
"""

from collections.abc import Mapping

from handlers.dialog.declaration import Dialog
from handlers.embedded.pay import pay
from handlers.embedded.resume import resume
from handlers.embedded.retrieve import retrieve
from handlers.embedded.status import status
from handlers.embedded.suspend import suspend
from handlers.embedded.triage import triage
from handlers.guide.activate import ACTIVATE
from handlers.guide.change_pin import CHANGE_PIN
from handlers.guide.unlock import UNLOCK
from services.authority.port import Authority
from services.storage.database import Database


def conversations(
    authority: Authority, database: Database, takes_money: bool = False
) -> Mapping[str, Dialog]:
    """Give every conversation by its name, in the order in which they are listed.

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
