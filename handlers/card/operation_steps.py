"""The steps of an operation on the card, shown in one message that follows what the PC does.

An operation runs in the background: a step starts it and returns, and its progress and end are
events that `handlers.card_events` passes on. So the person can ask questions, cancel or change the
language while a PIN is typed on the PC.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from handlers.card.live_messages import LiveMessages
from handlers.card.operation_texts import (
    ADMIN_BARRED,
    BUSY,
    FINAL_FAILURES,
    NEEDS_NEW_CODE,
    NOT_ANSWERED,
    UNRESOLVED,
    failure_text,
    progress_text,
)
from handlers.card.pairing_steps import (
    CLIENT_LANGUAGE,
    PAIR,
    PC_AWAY,
    PairingSteps,
    PcSetup,
    client_language_data,
)
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
from services.bridge.interface import BridgeHub, CancelResult
from services.bridge.operations.card_task import CardTask

WORK, FAILED, UNRESOLVED_STEP = "work", "failed", "unresolved"
"""The steps: running; failed; interrupted, so that only the card knows whether the PIN is set."""
FAILURE, TRIES = "failure", "tries"
"""Step data: the code of the failure, and the tries left for the PIN."""
_ASKED = "asked"
"""Step data: set where the card was asked in vain."""
SUSPENDED = "suspended"

OnDone = Callable[[events.CardTaskValue, StepContext], Awaitable[StepResult]]
"""Takes the result of the operation; returns where the conversation goes on."""

_NOTHING_RUNNING = N_(
    "ℹ️ <b>Nothing is running with your card now.</b> The system restarted, or the operation "
    "has ended. Your PIN has not changed unless you saw here that it's done. You can start "
    "again at any time."
)
_NOT_STOPPED_YET: Mapping[CancelResult, str] = {
    CancelResult.NOTHING_RUNNING: N_(
        "⌛ <b>It ended just as you cancelled it.</b> You'll see the result here."
    ),
    CancelResult.REQUESTED: N_(
        "✋ <b>I asked your PC to stop.</b> I'll tell you here how it ended: the card may have its "
        "new PIN already."
    ),
    CancelResult.TOO_LATE: N_(
        "⏳ <b>The card is getting its new PIN right now</b>, so it's too late to stop. I'll tell "
        "you how it ends."
    ),
}
_IS_SUSPENDED = N_(
    "⏸ <b>The certificate is suspended (停用).</b> No changes were made. Reactivate it first "
    "(復用)."
)


@dataclass(frozen=True)
class OperationSteps:
    """The steps of one kind of operation.

    :ivar setup: what a person needs to set up the PC.
    :ivar done_steps: where `on_done` may lead, the usual step first.
    :ivar code_step: the step that asks for the subscriber code; `None` where none is needed.
    :ivar links: conversations that may help after a failure.
    :ivar follow_up_tasks: operations that `on_done` may start.
    :ivar on_failure: returns where a failure leads, `None` for the usual step.
    """

    hub: BridgeHub
    live_messages: LiveMessages
    setup: PcSetup
    work: CardTask
    on_done: OnDone
    done_steps: tuple[str, ...]
    code_step: str | None = None
    links: tuple[str, ...] = ()
    follow_up_tasks: tuple[CardTask, ...] = ()
    on_failure: Callable[[events.CardTaskFailed, StepContext], StepResult | None] = (
        lambda _event, _ctx: None
    )

    def is_about(self, event: events.CardTaskEvent) -> bool:
        """Return whether an event belongs to this operation."""
        return event.task in (self.work, *self.follow_up_tasks)

    @property
    def steps(self) -> Mapping[str, Step]:
        """The steps, by the names they must have in their conversation."""
        unavailable = {**UNAVAILABLE_STEPS, SUSPENDED: _SUSPENDED}
        return {
            **self.pairing.steps,
            WORK: self._running_step(),
            FAILED: self._failed_step(),
            UNRESOLVED_STEP: self._unresolved_step(),
            **({} if self.code_step is None else unavailable),
        }

    def _running_step(self) -> Step:
        return Step(
            self._progress_text,
            (replace(self._restart_button, when=lambda ctx: not self._is_running(ctx)),),
            requires=(CLIENT_LANGUAGE,),
            external_transitions=self._events,
            on_shown=self.live_messages.record_message,
            on_leave=self._on_leave,
        )

    def _failed_step(self) -> Step:
        return Step(
            _failure_text,
            (replace(self._restart_button, when=self._can_restart),),
            requires=(FAILURE,),
            external_transitions=self._events,
            on_shown=self.live_messages.record_message,
            links=self._links,
            next_steps=self._next_steps,
            is_done=True,
        )

    def _unresolved_step(self) -> Step:
        ask = ButtonTransition(
            "ask",
            N_("🔎 Check the card now"),
            WORK,
            action=self.resolve,
            also_targets=self.also_targets,
        )
        return Step(
            _unresolved_text,
            (ask,),
            requires=(FAILURE,),
            external_transitions=self._events,
            on_shown=self.live_messages.record_message,
        )

    @property
    def _events(self) -> tuple[ExternalTransition, ...]:
        refused = () if self.code_step is None else (*UNAVAILABLE_STEP_NAMES, SUSPENDED)
        return (
            ExternalTransition("it is done", self.done_steps[0], (*self.done_steps[1:], *refused)),
            ExternalTransition("it failed", FAILED),
            ExternalTransition("it was cut off", UNRESOLVED_STEP),
            ExternalTransition("the PC is at it", WORK),
        )

    @property
    def _restart_button(self) -> ButtonTransition:
        return self.start_button("again", N_("🔁 Start again"))

    def start_button(self, key: str, label: str) -> ButtonTransition:
        """Return a button that starts the operation, or first connects a PC."""
        return ButtonTransition(
            key, label, WORK, action=self.connect, also_targets=self.also_targets
        )

    @property
    def pairing(self) -> PairingSteps:
        """The steps that connect a PC first."""
        targets = dict.fromkeys((WORK, *self.also_targets))
        own = tuple(target for target in targets if target not in (PAIR, PC_AWAY))
        return PairingSteps(self.hub, self.live_messages, self.setup, self.continue_with_pc, own)

    @property
    def also_targets(self) -> tuple[str, ...]:
        """Where starting may lead besides ``work``."""
        verification = (
            () if self.code_step is None else (self.code_step, *UNAVAILABLE_STEP_NAMES, SUSPENDED)
        )
        return (PAIR, PC_AWAY, FAILED, UNRESOLVED_STEP, *verification)

    async def connect(self, ctx: StepContext) -> StepResult:
        """Start the operation, or first connect a PC or verify the person."""
        return await self.pairing.connect(ctx)

    async def continue_with_pc(self, ctx: StepContext) -> StepResult:
        """Start the operation with a connected PC, or first verify the person."""
        if self.code_step is not None and GRANT not in ctx.data:
            return StepResult(self.code_step)
        return await self.start(ctx)

    async def start(self, ctx: StepContext) -> StepResult:
        """Start the operation; return the step that shows its progress, or why it did not start."""
        try:
            await self.hub.start(ctx.chat_id, self.work, ctx.now, ctx.data.get(GRANT))
        except OperationRunningError as error:
            if error.task != self.work or not self._is_running(ctx):
                return self.failed_result(BUSY, ctx)
        except AuthorityError as error:
            return self._errors().result_for(error, ctx)
        except BridgeError as error:
            return await self._result_for(error, ctx)
        else:
            self.live_messages.begin_operation(ctx.chat_id, self.work)
        return StepResult(WORK, client_language_data(ctx), clears_history=True)

    async def resolve(self, ctx: StepContext) -> StepResult:
        """Ask the card how an interrupted operation ended."""
        try:
            await self.hub.resolve(ctx.chat_id, ctx.now)
        except OperationRunningError:
            return self.failed_result(BUSY, ctx)
        except NothingToResolveError:  # the card is being asked, or has answered
            if self.hub.status(ctx.chat_id).running is self.work and not self._is_running(ctx):
                self.live_messages.begin_operation(ctx.chat_id, self.work)
            return StepResult(WORK, clears_history=True)
        except BridgeError as error:
            return await self._result_for(error, ctx)
        self.live_messages.begin_operation(ctx.chat_id, self.work)
        return StepResult(WORK, clears_history=True)

    def handle_failure(self, event: events.CardTaskFailed, ctx: StepContext) -> StepResult:
        """Return where a failure leads."""
        result = self.on_failure(event, ctx)
        if result is not None:
            return result
        if event.code is events.ServerFailure.WRONG_STATE and self.code_step and event.state:
            error = WrongStateError(event.state, self.work)
            return self._errors().result_for(error, ctx)
        return self.failed_result(event.code, ctx, event.values.tries_left)

    def failed_result(self, code: str, ctx: StepContext, tries: int | None = None) -> StepResult:
        """Return the result that leads to the step with the failure."""
        data = {FAILURE: str(code), **client_language_data(ctx)}
        if tries is not None:
            data[TRIES] = str(tries)
        clear = (GRANT, TRIES) if code in NEEDS_NEW_CODE else (TRIES,)
        return StepResult(FAILED, data, clear_data=clear, clears_history=True)

    def unresolved_result(self, event: events.CardTaskUnresolved) -> StepResult:
        """Return the result that leads to the step from which the card can be asked."""
        data = {FAILURE: str(event.code), **({_ASKED: "1"} if event.waits_for_person else {})}
        return StepResult(UNRESOLVED_STEP, data, clear_data=(_ASKED,), clears_history=True)

    def _errors(self) -> ErrorSteps:
        assert self.code_step is not None
        states = {**UNAVAILABLE_STEP_FOR, CertificateState.SUSPENDED: SUSPENDED}
        return ErrorSteps(self.code_step, states, clear_data=(GRANT,))

    async def _result_for(self, error: BridgeError, ctx: StepContext) -> StepResult:
        if isinstance(error, NotPairedError):
            return await self.pairing.offer_code(ctx)
        if isinstance(error, NotConnectedError):
            return StepResult(PC_AWAY, client_language_data(ctx))
        if isinstance(error, AdminBarredError):
            return self.failed_result(ADMIN_BARRED, ctx)
        raise error

    async def _on_leave(self, _context: Context, ctx: StepContext) -> Markup | None:
        """Cancel the operation on the PC; return what to say where it is not over by that."""
        if not self._is_running(ctx):
            return None
        result = await self.hub.cancel(ctx.chat_id, ctx.now)
        if result is not CancelResult.TOO_LATE:
            self.live_messages.end_operation(ctx.chat_id)
        if result is CancelResult.NOTHING_RUNNING and not self.work.can_change_pin:
            return None
        text = _NOT_STOPPED_YET.get(result)
        return None if text is None else say(ctx.language, text)

    def _is_running(self, ctx: StepContext) -> bool:
        return self.live_messages.progress(ctx.chat_id) is not None

    def _progress_text(self, ctx: StepContext) -> Markup:
        progress = self.live_messages.progress(ctx.chat_id)
        if progress is None:
            return say(ctx.language, _NOTHING_RUNNING)
        return progress_text(ctx.language, progress)

    def _needs_unlocking(self, ctx: StepContext) -> bool:
        """Whether a locked PIN stands in the way, which this operation does not reset."""
        return ctx.data[FAILURE] == FailureCode.PIN_BLOCKED and "unlock" in self.links

    def _can_restart(self, ctx: StepContext) -> bool:
        return ctx.data[FAILURE] not in FINAL_FAILURES and not self._needs_unlocking(ctx)

    def _next_steps(self, ctx: StepContext) -> tuple[str, ...]:
        return ("unlock",) if self._needs_unlocking(ctx) else ()

    def _links(self, ctx: StepContext) -> tuple[str, ...]:
        code = ctx.data[FAILURE]
        if code == FailureCode.PIN_WRONG:
            return tuple(link for link in self.links if link != "card_check")
        is_check_offered = code in _CARD_CHECK_HELPS and "card_check" in self.links
        return ("card_check",) if is_check_offered else ()


def _failure_text(ctx: StepContext) -> Markup:
    return failure_text(ctx.language, ctx.data[FAILURE], ctx.data.get(TRIES))


def _unresolved_text(ctx: StepContext) -> Markup:
    return say(ctx.language, NOT_ANSWERED if _ASKED in ctx.data else UNRESOLVED)


_CARD_CHECK_HELPS = frozenset(
    {FailureCode.OUTCOME_UNKNOWN, FailureCode.CARD_UNKNOWN, FailureCode.CARD_MUTE}
)
_SUSPENDED = Step(_IS_SUSPENDED, links=("resume", "status"))


@dataclass(frozen=True)
class CardConversation:
    """A conversation that receives events of the bridge.

    :ivar operation: what it does with the card; `None` where it only connects a PC.
    """

    conversation: Conversation
    pairing: PairingSteps
    operation: OperationSteps | None = None
