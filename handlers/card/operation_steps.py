"""Work on the card in the reader: one message that follows what happens on the PC.

Work runs beside the chat: a step begins it and returns at once, and what comes of it is an event
that `handlers.card_events` brings here. So questions, Cancel and another language work while the
person types a PIN on the PC.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from handlers.card.live_messages import LiveMessages
from handlers.card.messages import (
    ADMIN_BARRED,
    BUSY,
    FINAL_FAILURES,
    NEEDS_NEW_CODE,
    UNRESOLVED,
    failure_text,
    progress_text,
)
from handlers.card.pairing_steps import CLIENT_LANGUAGE, PairingSteps
from handlers.context import Context
from handlers.engine.model import (
    ButtonTransition,
    Conversation,
    ExternalTransition,
    Step,
    StepContext,
    StepResult,
)
from handlers.identity.error_messages import ErrorSteps
from handlers.identity.step_data import GRANT
from handlers.identity.unavailable_steps import (
    UNAVAILABLE_STEP_FOR,
    UNAVAILABLE_STEP_NAMES,
    UNAVAILABLE_STEPS,
)
from handlers.screen.text import N_, Markup, say
from handlers.screen.view import send_to, view
from reader_bridge.protocol import FailureCode
from services.authority.errors import AuthorityError, WrongStateError
from services.authority.lifecycle import CertificateState
from services.bridge import events
from services.bridge.errors import (
    AdminBarredError,
    BridgeError,
    NotConnectedError,
    NothingToResolveError,
    NotPairedError,
    OperationRunningError,
)
from services.bridge.interface import BridgeHub
from services.bridge.operations.task import CardTask

WORK, FAILED, UNRESOLVED_STEP = "work", "failed", "unresolved"
"""The steps: under way, ended without being done, cut off where the PIN may be set or not."""
FAILURE, TRIES = "failure", "tries"
"""What is kept on the way: why it ended, and the tries left."""
SUSPENDED = "suspended"

OnDone = Callable[[events.OperationValue, StepContext], Awaitable[StepResult]]
"""What follows when the work is done; is given what it gave."""

_NOTHING_RUNS = N_(
    "ℹ️ <b>Nothing is under way with your card any more.</b> I was started anew, or it ended "
    "meanwhile. The PIN is as it was unless I said that it is done. Start again whenever you like."
)
_CANNOT_STOP = N_(
    "⏳ <b>The card is getting its new PIN at this moment</b>, which can no longer be stopped. I "
    "tell you how it ends."
)
_IS_SUSPENDED = N_(
    "⏸ <b>The certificate is suspended (停用).</b> Nothing was changed. Resume it first (復用)."
)


@dataclass(frozen=True)
class OperationSteps:
    """One kind of work, as part of a conversation.

    :ivar finish: what follows when it is done; it may lead to `ends`.
    :ivar who: where the code is asked for; `None` where none is needed.
    :ivar links: what else may help when it failed.
    :ivar also: what `finish` may begin after it.
    :ivar or_else: where a failure leads that is none for the conversation.
    """

    hub: BridgeHub
    live_messages: LiveMessages
    server: str
    work: CardTask
    on_done: OnDone
    done_steps: tuple[str, ...]
    code_step: str | None = None
    links: tuple[str, ...] = ()
    follow_up_tasks: tuple[CardTask, ...] = ()
    on_failure: Callable[[events.OperationFailed, StepContext], StepResult | None] = (
        lambda _event, _ctx: None
    )

    def is_about(self, event: events.OperationEvent) -> bool:
        """Return whether an event is about this work."""
        return event.task in (self.work, *self.follow_up_tasks)

    @property
    def steps(self) -> Mapping[str, Step]:
        """The steps, by the names they must have in their conversation."""
        needs, shown = (CLIENT_LANGUAGE,), self.live_messages.record_message
        states_of_it = () if self.code_step is None else (*UNAVAILABLE_STEP_NAMES, SUSPENDED)
        heard = (
            ExternalTransition(
                "it is done", self.done_steps[0], (*self.done_steps[1:], *states_of_it)
            ),
            ExternalTransition("it failed", FAILED),
            ExternalTransition("it was cut off", UNRESOLVED_STEP),
            ExternalTransition("the PC is at it", WORK),
        )
        again = ButtonTransition(
            "again", N_("🔁 Start again"), WORK, action=self.connect, also_targets=self.also_targets
        )
        found = {} if self.code_step is None else {**UNAVAILABLE_STEPS, SUSPENDED: _SUSPENDED}
        return {
            **self.pairing.steps,
            WORK: Step(
                self._words,
                (replace(again, when=lambda ctx: not self._is_running(ctx)),),
                requires=needs,
                external_transitions=heard,
                on_shown=shown,
                on_leave=self._left,
            ),
            FAILED: Step(
                self._failed,
                (replace(again, when=lambda ctx: ctx.data[FAILURE] not in FINAL_FAILURES),),
                requires=(FAILURE,),
                external_transitions=heard,
                on_shown=shown,
                links=self._links,
                is_done=True,
            ),
            UNRESOLVED_STEP: Step(
                self._doubt,
                (
                    ButtonTransition(
                        "ask",
                        N_("🔎 Ask the card now"),
                        WORK,
                        action=self.resolve,
                        also_targets=self.also_targets,
                    ),
                ),
                requires=(FAILURE,),
                external_transitions=heard,
                on_shown=shown,
            ),
            **found,
        }

    @property
    def pairing(self) -> PairingSteps:
        """The steps that connect a PC first."""
        places = dict.fromkeys((WORK, *self.also_targets))
        others = [place for place in places if place not in ("pair", "unlinked")]
        return PairingSteps(
            self.hub, self.live_messages, self.server, self.continue_with_pc, tuple(others)
        )

    @property
    def also_targets(self) -> tuple[str, ...]:
        """Where beginning may lead beside ``work``."""
        asked = (
            () if self.code_step is None else (self.code_step, *UNAVAILABLE_STEP_NAMES, SUSPENDED)
        )
        return ("pair", "unlinked", FAILED, UNRESOLVED_STEP, *asked)

    async def connect(self, ctx: StepContext) -> StepResult:
        """Begin, after a PC was connected and the person has shown who they are."""
        return await self.pairing.connect(ctx)

    async def continue_with_pc(self, ctx: StepContext) -> StepResult:
        """Begin, now that a PC is connected; ask for the code first where it is needed."""
        if self.code_step is not None and GRANT not in ctx.data:
            return StepResult(self.code_step)
        return await self.start(ctx)

    async def start(self, ctx: StepContext) -> StepResult:
        """Begin at once."""
        hub, chat = self.hub, ctx.chat_id
        try:
            await hub.start(chat, self.work, ctx.now, ctx.data.get(GRANT))
        except OperationRunningError as error:
            if error.task != self.work or not self._is_running(ctx):
                return self.failed_step(BUSY, ctx)
        except AuthorityError as error:
            return self._errors().result_for(error, ctx)
        except BridgeError as error:
            return await self._not_there(error, ctx)
        else:
            self.live_messages.begin_operation(chat, self.work)
        return StepResult(WORK, _client(ctx), clears_history=True)

    async def resolve(self, ctx: StepContext) -> StepResult:
        """Have the card tell how it ended."""
        try:
            await self.hub.resolve(ctx.chat_id, ctx.now)
        except OperationRunningError:
            return self.failed_step(BUSY, ctx)
        except NothingToResolveError:  # it is being asked already, or has told
            if self.hub.status(ctx.chat_id).running is self.work and not self._is_running(ctx):
                self.live_messages.begin_operation(ctx.chat_id, self.work)
            return StepResult(WORK, clears_history=True)
        except BridgeError as error:
            return await self._not_there(error, ctx)
        self.live_messages.begin_operation(ctx.chat_id, self.work)
        return StepResult(WORK, clears_history=True)

    def handle_failure(self, event: events.OperationFailed, ctx: StepContext) -> StepResult:
        """Return where a failure leads."""
        led = self.on_failure(event, ctx)
        if led is not None:
            return led
        if event.code is events.ServerFailure.WRONG_STATE and self.code_step and event.state:
            error = WrongStateError(event.state, self.work)
            return self._errors().result_for(error, ctx)
        return self.failed_step(event.code, ctx, event.values.tries_left)

    def failed_step(self, code: str, ctx: StepContext, tries: int | None = None) -> StepResult:
        """Return the step that explains a failure and offers the way on."""
        kept = {FAILURE: str(code), **_client(ctx)}
        if tries is not None:
            kept[TRIES] = str(tries)
        forget = (GRANT,) if code in NEEDS_NEW_CODE else ()
        return StepResult(FAILED, kept, clear_data=(*forget, TRIES), clears_history=True)

    def unresolved_step(self, event: events.OperationUnresolved) -> StepResult:
        """Return the step that explains that only the card knows."""
        return StepResult(UNRESOLVED_STEP, {FAILURE: str(event.code)}, clears_history=True)

    def _errors(self) -> ErrorSteps:
        assert self.code_step is not None
        states = {**UNAVAILABLE_STEP_FOR, CertificateState.SUSPENDED: SUSPENDED}
        return ErrorSteps(self.code_step, states, clear_data=(GRANT,))

    async def _not_there(self, error: BridgeError, ctx: StepContext) -> StepResult:
        if isinstance(error, NotPairedError):
            return await self.pairing.offer_code(ctx)
        if isinstance(error, NotConnectedError):
            return StepResult("unlinked", _client(ctx))
        if isinstance(error, AdminBarredError):
            return self.failed_step(ADMIN_BARRED, ctx)
        raise error

    async def _left(self, context: Context, ctx: StepContext) -> None:
        """Stop what is under way on the PC; say so where that is no longer possible."""
        if not self._is_running(ctx) or await self.hub.cancel(ctx.chat_id, ctx.now):
            self.live_messages.end_operation(ctx.chat_id)
        elif self.hub.status(ctx.chat_id).running is not None:
            text = view(say(ctx.language, _CANNOT_STOP))
            await send_to(context.bot, ctx.chat_id, text)

    def _is_running(self, ctx: StepContext) -> bool:
        return self.live_messages.progress(ctx.chat_id) is not None

    def _words(self, ctx: StepContext) -> Markup:
        progress = self.live_messages.progress(ctx.chat_id)
        if progress is None:
            return say(ctx.language, _NOTHING_RUNS)
        return progress_text(ctx.language, progress)

    def _failed(self, ctx: StepContext) -> Markup:
        return failure_text(ctx.language, ctx.data[FAILURE], ctx.data.get(TRIES))

    def _doubt(self, ctx: StepContext) -> Markup:
        return say(ctx.language, UNRESOLVED)

    def _links(self, ctx: StepContext) -> tuple[str, ...]:
        code = ctx.data[FAILURE]
        if code in (FailureCode.PIN_WRONG, FailureCode.PIN_BLOCKED):
            return tuple(link for link in self.links if link != "card_check")
        return ("card_check",) if code in _LOOK and "card_check" in self.links else ()


_LOOK = frozenset({FailureCode.OUTCOME_UNKNOWN, FailureCode.CARD_UNKNOWN, FailureCode.CARD_MUTE})
_SUSPENDED = Step(_IS_SUSPENDED, links=("resume", "status"))


@dataclass(frozen=True)
class CardConversation:
    """A conversation with events.

    :ivar work: what is done on the card; `None` where it only connects a PC.
    """

    conversation: Conversation
    pairing: PairingSteps
    operation: OperationSteps | None = None


def _client(ctx: StepContext) -> dict[str, str]:
    return {CLIENT_LANGUAGE: ctx.client_language or ctx.data.get(CLIENT_LANGUAGE, "")}
