"""The template of activating (開卡) and unlocking (鎖卡解碼), which set a new PIN.

The PC is connected, the person is verified by UI No. and code, and confirms; then the PIN is set.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from handlers.card.live_messages import LiveMessages
from handlers.card.operation_steps import WORK, CardConversation, OnDone, OperationSteps
from handlers.card.pairing_steps import PcSetup
from handlers.engine.model import ButtonTransition, Conversation, Step
from handlers.identity.chat_verification import chat_verification_steps
from handlers.identity.code_verification import CodeVerification
from handlers.identity.granted_actions import DONE, OFFER, linking_steps
from handlers.identity.step_data import GRANT, SECRET_TIMEOUT
from handlers.screen.text import N_
from services.authority.interface.authority import Authority
from services.bridge.interface import BridgeHub
from services.bridge.operations.card_task import CardTask


@dataclass(frozen=True)
class PinSetupConversation:
    """A conversation that sets a new PIN, with its texts.

    :ivar ready: the text of the first step: what the person needs.
    :ivar introduction: shown above the question for UI No. and code.
    :ivar confirm: the text of the last step before the operation.
    :ivar start: the label of the button that starts it.
    :ivar done: the text of the final step.
    :ivar other_buttons: further buttons of the first step, and where the code is asked for.
    :ivar links: conversations to offer at the final step.
    :ivar extra_steps: steps that only this conversation has.
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
        self, authority: Authority, hub: BridgeHub, live_messages: LiveMessages, setup: PcSetup
    ) -> CardConversation:
        """Return the conversation.

        :param setup: what a person needs to set up the PC.
        """
        ends, links = (OFFER, DONE), ("card_check",)
        operation = OperationSteps(
            hub, live_messages, setup, self.work, self.on_done, ends, "who", links
        )
        verification = CodeVerification(
            authority,
            self.work.authority_operation,
            "confirm",
            introduction=self.introduction,
            buttons=self.other_buttons,
        )
        connect = ButtonTransition(
            "go",
            N_("▶️ I have everything"),
            "who",
            action=operation.connect,
            also_targets=(WORK, *operation.also_targets),
        )
        start = ButtonTransition(
            "start", self.start, WORK, action=operation.start, also_targets=operation.also_targets
        )
        on_shown = live_messages.record_message
        steps = {
            "ready": Step(
                self.ready, (connect, *self.other_buttons), on_shown=on_shown, picture="numbers"
            ),
            **verification.steps,
            **chat_verification_steps(authority),
            "confirm": Step(self.confirm, (start,), requires=(GRANT,), on_shown=on_shown),
            **operation.steps,
            **linking_steps(authority.links, self.done, self.links),
            **self.extra_steps,
        }
        name = str(self.work)
        conversation = Conversation(name, self.title, "ready", steps, timeout=SECRET_TIMEOUT)
        return CardConversation(conversation, operation.pairing, operation)
