"""What needs the issuer's consent: the PC connected, UI No. and code, a yes, and then the card."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from handlers.card.live_messages import Board
from handlers.card.operation_steps import WORK, CardDialog, CardWork, Finish
from handlers.engine.model import Choice, Dialog, Step
from handlers.identity.chat_linking import DONE, OFFER, after_a_right_code
from handlers.identity.code import GRANT, Identification
from handlers.identity.limits import RESTS
from handlers.screen.text import N_
from services.authority.interface.authority import Authority
from services.bridge.interface import BridgeHub
from services.bridge.operations.task import Work


@dataclass(frozen=True)
class Consented:
    """One such conversation, in its words.

    :ivar ready: what to have at hand; `elsewhere` leads on from there to other ways.
    :ivar lead: what is said above the question for UI No. and code.
    :ivar confirm: what will happen, with the button `start`.
    :ivar finish: what follows when it is done; `done` is said then, and `links` offered.
    :ivar more: steps that only this one has.
    """

    work: Work
    title: str
    ready: str
    lead: str
    confirm: str
    start: str
    done: str
    finish: Finish
    elsewhere: tuple[Choice, ...] = ()
    links: tuple[str, ...] = ()
    more: Mapping[str, Step] = field(default_factory=dict)

    def dialog(self, authority: Authority, hub: BridgeHub, board: Board, server: str) -> CardDialog:
        """Give the conversation."""
        ends, links = (OFFER, DONE), ("card_check",)
        work = CardWork(hub, board, server, self.work, self.finish, ends, "who", links)
        who = Identification(authority, self.work.authorised_by, "confirm", lead=self.lead)
        go = Choice("go", N_("▶️ I have everything"), "who", act=work.connect,
                    others=(WORK, *work.others))  # fmt: skip
        start = Choice("start", self.start, WORK, act=work.start, others=work.others)
        steps = {
            "ready": Step(self.ready, (go, *self.elsewhere), shown=board.stands),
            **who.steps,
            "confirm": Step(self.confirm, (start,), needs=(GRANT,), shown=board.stands),
            **work.steps,
            **after_a_right_code(authority.links, self.done, self.links),
            **self.more,
        }
        dialog = Dialog(str(self.work), self.title, "ready", steps, lasts=RESTS)
        return CardDialog(dialog, work.pairing, work)
