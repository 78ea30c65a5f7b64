"""What needs the issuer's consent: the PC connected, UI No. and code, a yes, and then the card."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from handlers.card.live_messages import LiveMessages
from handlers.card.operation_steps import WORK, CardConversation, OnDone, OperationSteps
from handlers.engine.model import ButtonTransition, Conversation, Step
from handlers.identity.chat_linking import DONE, OFFER, linking_steps
from handlers.identity.code import CodeVerification
from handlers.identity.step_data import GRANT, SECRET_TIMEOUT
from handlers.screen.text import N_
from services.authority.interface.authority import Authority
from services.bridge.interface import BridgeHub
from services.bridge.operations.task import CardTask


@dataclass(frozen=True)
class PinSetupConversation:
    """One such conversation, in its words.

    :ivar ready: what to have at hand; `elsewhere` leads on from there to other ways.
    :ivar lead: what is said above the question for UI No. and code.
    :ivar confirm: what will happen, with the button `start`.
    :ivar finish: what follows when it is done; `done` is said then, and `links` offered.
    :ivar more: steps that only this one has.
    """

    work: CardTask
    title: str
    ready: str
    introduction: str
    confirm: str
    start: str
    done: str
    on_done: OnDone
    other_buttons: tuple[ButtonTransition, ...] = ()
    links: tuple[str, ...] = ()
    extra_steps: Mapping[str, Step] = field(default_factory=dict)

    def build(
        self, authority: Authority, hub: BridgeHub, board: LiveMessages, server: str
    ) -> CardConversation:
        """Return the conversation."""
        ends, links = (OFFER, DONE), ("card_check",)
        work = OperationSteps(hub, board, server, self.work, self.on_done, ends, "who", links)
        who = CodeVerification(
            authority, self.work.authority_operation, "confirm", introduction=self.introduction
        )
        go = ButtonTransition("go", N_("▶️ I have everything"), "who", action=work.connect,
                    also_targets=(WORK, *work.also_targets))  # fmt: skip
        start = ButtonTransition(
            "start", self.start, WORK, action=work.start, also_targets=work.also_targets
        )
        steps = {
            "ready": Step(self.ready, (go, *self.other_buttons), on_shown=board.record_message),
            **who.steps,
            "confirm": Step(
                self.confirm, (start,), requires=(GRANT,), on_shown=board.record_message
            ),
            **work.steps,
            **linking_steps(authority.links, self.done, self.links),
            **self.extra_steps,
        }
        dialog = Conversation(str(self.work), self.title, "ready", steps, timeout=SECRET_TIMEOUT)
        return CardConversation(dialog, work.pairing, work)
