"""Change PIN (修改PIN碼), carried out: on the PC with the PIN it is, without the code."""

from handlers.card.live_messages import Board
from handlers.card.operation_steps import WORK, CardDialog, CardWork
from handlers.card.pairing_steps import CLIENT
from handlers.conversations.change_pin.guide import CHANGE_PIN as GUIDE
from handlers.engine.model import Choice, Dialog, Outcome, Scene, Step
from handlers.identity.limits import RESTS
from handlers.screen.text import N_
from services.bridge import events
from services.bridge.interface import BridgeHub
from services.bridge.operations.task import CardTask

_KNOW = N_(
    "🔢 <b>Change a PIN you know (修改PIN碼)</b>\n"
    "<b>Have ready</b>\n"
    "• the card\n"
    "• a Windows PC, Mac or Linux PC with a card reader\n"
    "• the PIN as it is, and a new one: 6–8 characters, letters and digits, best mixed, no "
    "spaces\n\n"
    "Both are typed on the PC only, never here. Do not guess: three wrong ones lock the card."
)
_DONE = N_(
    "✅ <b>The new PIN is set.</b> The old one is good no more. Only you know it.\n\n"
    "The card can be taken out, and kaika-bridge closed."
)


def change_pin(hub: BridgeHub, board: Board, server: str) -> CardDialog:
    """Give the conversation."""
    links = ("unlock", "card_check")
    work = CardWork(hub, board, server, CardTask.CHANGE_PIN, _finish, ("done",), links=links)
    begin = Choice("yes", N_("▶️ Change it now"), WORK, act=work.connect, others=work.others)
    dialog = Dialog(
        name="change_pin",
        title=GUIDE.title,
        begins="know",
        lasts=RESTS,
        steps={
            "know": Step(
                _KNOW,
                (begin, Choice("no", N_("❌ Forgotten or locked"), "unlock/ready")),
                shown=board.stands,
            ),
            **work.steps,
            "done": Step(_DONE, needs=(CLIENT,), links=("card_check",)),
        },
    )
    return CardDialog(dialog, work.pairing, work)


async def _finish(_value: events.OperationValue, _scene: Scene) -> Outcome:
    return Outcome("done", is_one_way=True)
