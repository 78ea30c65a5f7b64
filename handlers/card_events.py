"""What the bridge hub tells a chat, shown in the one message that follows work on the card.

An event stands in the chat's own queue, like an update. It moves the person's conversation in one
transaction; what it sets off at the hub happens outside it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter

from handlers.card import background_messages, pairing_steps
from handlers.card.live_messages import LiveMessages
from handlers.card.operation_steps import FAILED, FAILURE, UNRESOLVED_STEP, WORK, CardConversation
from handlers.context import Context
from handlers.conversations import pair
from handlers.engine.model import ExternalTransition, StatusMessage, StepContext, StepResult
from handlers.engine.session import render, with_data
from handlers.engine.transitions import ConversationMachine
from handlers.screen.view import send_to, show_at, view
from reader_bridge.protocol import FailureCode
from services.bridge import events
from services.bridge.events import BridgeEvent
from services.bridge.interface import BridgeHub
from services.conversations import ConversationChangedError, ConversationState

RETRY_SECONDS = 3.0
_MOST_RETRIES = 8
_AT_WORK = (WORK, UNRESOLVED_STEP, FAILED)
_log = structlog.get_logger()


@dataclass(frozen=True)
class PairingCodeAged(BridgeEvent):
    """A code that is shown may have fewer minutes left, or be over."""


@dataclass(frozen=True)
class ProcessRestarted(BridgeEvent):
    """The process was started anew while the chat had something live."""


@dataclass(frozen=True)
class ViewNotDelivered(BridgeEvent):
    """The line failed while something was to be shown.

    :ivar told: the operation whose end that was.
    """

    attempts: int = 1
    operation_id: str | None = None


_STAY = StepResult("")
"""Nobody moves; the step is shown as it is now."""


@dataclass(frozen=True)
class BridgeEventHandler:
    """Takes the hub's events to the conversations.

    :ivar dialogs: by name, those that hear of them.
    """

    hub: BridgeHub
    live_messages: LiveMessages
    conversations: Mapping[str, CardConversation]

    async def on_event(self, event: BridgeEvent, context: Context) -> None:
        """Take one event."""
        state, ctx = await self._where(event.chat_id, context)
        self._note(event)
        desk = (
            self.conversations.get(state.conversation)
            if state is not None and state.is_open
            else None
        )
        told = None
        if isinstance(event, events.Done | events.Failed) and event.work.purpose is not None:
            told = event.operation_id
        if state is not None and self._stands_connected(event, state):
            await self._show(state, ctx, context, 0, None)
            return
        if desk is None or state is None:
            await self._apart(event, ctx, context, told)
            return
        outcome = await self._led(event, desk, with_data(ctx, state), state.step)
        if outcome is None:
            if not _is_elsewhere(event, desk):
                told = None if state.step in _AT_WORK else told
            await self._apart(event, ctx, context, told)
            return
        if outcome is not _STAY:
            state = await self._move(state, ctx, outcome, context)
        if state is not None:
            tries = event.attempts if isinstance(event, ViewNotDelivered) else 0
            told = event.operation_id if isinstance(event, ViewNotDelivered) else told
            await self._show(state, ctx, context, tries, told)

    def _stands_connected(self, event: BridgeEvent, state: ConversationState) -> bool:
        """Tell whether a message calls a PC connected that is no more."""
        is_said = (state.conversation, state.step) == (pair.NAME, pair.PAIRED)
        is_there = self.live_messages.message_id(event.chat_id) is not None
        return isinstance(event, events.NowUnpaired) and is_said and is_there

    async def _led(
        self, event: BridgeEvent, desk: CardConversation, ctx: StepContext, step: str
    ) -> StepResult | None:
        """Give where an event leads; `None` where the step has nothing to do with it."""
        match event:
            case PairingCodeAged():
                is_older = self.live_messages.have_minutes_changed(ctx.chat_id, ctx.now)
                return _STAY if step == pairing_steps.PAIR and is_older else None
            case ProcessRestarted() | ViewNotDelivered():
                return _STAY
            case events.OperationEvent():
                return await self._of_work(event, desk, ctx, step)
            case events.LinkUp() if desk.pairing.awaits_connection(step, ctx):
                return replace(await desk.pairing.on_connected(ctx), clears_history=True)
            case events.LinkUp() | events.LinkDown() if step == WORK:
                return _STAY
            case events.NowUnpaired() if step == FAILED and desk.operation is not None:
                was_closed = ctx.data[FAILURE] == FailureCode.CANCELLED
                return (
                    desk.operation.failed_step(events.Fault.UNPAIRED, ctx) if was_closed else None
                )
        return await self._of_pairing(event, desk, ctx, step)

    async def _of_pairing(
        self, event: BridgeEvent, desk: CardConversation, ctx: StepContext, step: str
    ) -> StepResult | None:
        if step not in (*pairing_steps.STEPS, "unlinked"):
            return None
        match event:
            case events.PairingOffered() if step != "unlinked":
                return StepResult(pairing_steps.COMPARE, clears_history=True)
            case events.PairingEnded() if step in (pairing_steps.COMPARE, pairing_steps.CONFIRMED):
                why = {pairing_steps.END_REASON: str(event.reason)}
                return StepResult(pairing_steps.PAIRING_ENDED, why, clears_history=True)
            case events.NowPaired():
                led = replace(await desk.pairing.on_connected(ctx), clears_history=True)
                return (
                    replace(led, message=_REPLACED) if event.replaced and not led.message else led
                )
            case events.NowUnpaired() if step == "unlinked":
                why = {pairing_steps.END_REASON: str(event.reason)}
                return StepResult(pairing_steps.PAIRING_ENDED, why, clears_history=True)
        return None

    async def _of_work(
        self, event: events.OperationEvent, desk: CardConversation, ctx: StepContext, step: str
    ) -> StepResult | None:
        work = desk.operation
        if work is None or step not in _AT_WORK or not work.is_about(event):
            return None
        match event:
            case events.Waiting():
                return _STAY if step == WORK else StepResult(WORK, clears_history=True)
            case events.Done():
                return await work.on_done(event.value, ctx)
            case events.Failed():
                return work.handle_failure(event, ctx)
            case events.Unresolved():
                return work.unresolved_step(event)
        return None

    def _note(self, event: BridgeEvent) -> None:
        """Note how far the PC is."""
        chat = event.chat_id
        match event:
            case events.Waiting():
                progress = self.live_messages.progress(chat) or self.live_messages.begin_operation(
                    chat, event.work
                )
                progress.step, progress.tries_left = event.step, event.tries_left
            case events.Done() | events.Failed() | events.Unresolved():
                self.live_messages.end_operation(chat)
            case events.PairingOffered() | events.NowPaired():
                self.live_messages.set_code(chat, None)
            case events.LinkUp() | events.LinkDown():
                running = self.live_messages.progress(chat)
                if running is not None:
                    running.is_linked = isinstance(event, events.LinkUp)
            case ProcessRestarted():
                self._take_up(chat)

    def _take_up(self, chat: int) -> None:
        """Follow what outlived the process: the PC tells its end when it is back."""
        presence = self.hub.presence(chat)
        if presence.work is not None:
            self.live_messages.begin_operation(chat, presence.work).is_linked = presence.connected

    async def _apart(
        self, event: BridgeEvent, ctx: StepContext, context: Context, told: str | None
    ) -> None:
        """Tell what matters though the person is elsewhere by now, in a message of its own."""
        words = background_messages.background_message(event, ctx.language)
        if words is not None:
            try:
                await send_to(context.bot, ctx.chat_id, view(words))
            except Forbidden:
                _log.info("bridge_chat_closed_to_us")
        if told is not None:
            await self.hub.told(told)

    async def _move(
        self, state: ConversationState, ctx: StepContext, outcome: StepResult, context: Context
    ) -> ConversationState | None:
        services = context.services
        step = context.conversations[state.conversation].steps[state.step]
        ways = {
            place for way in step.external_transitions for place in (way.target, *way.also_targets)
        }
        way = ExternalTransition("", outcome.target, tuple(ways))
        try:
            async with services.database.unit_of_work() as session:
                mover = ConversationMachine(
                    context.conversations, services.conversations, session, ctx, 0
                )
                moved = await mover.follow(state, way, outcome)
        except ConversationChangedError:  # by another process; who did that has shown it
            return None
        services.conversations.remember(moved)
        return moved

    async def _show(
        self,
        state: ConversationState,
        ctx: StepContext,
        context: Context,
        tries: int,
        told: str | None,
    ) -> None:
        shown = render(context, ctx, state)
        try:
            await show_at(
                context.bot, ctx.chat_id, self.live_messages.message_id(ctx.chat_id), shown
            )
        except Forbidden:
            _log.info("bridge_chat_closed_to_us")
        except BadRequest:
            raise
        except (NetworkError, RetryAfter) as error:
            self._show_later(ctx.chat_id, tries + 1, told, context, error)
            return
        if told is not None:
            await self.hub.told(told)

    def _show_later(
        self, chat_id: int, tries: int, told: str | None, context: Context, error: Exception
    ) -> None:
        if tries > _MOST_RETRIES:
            _log.error("bridge_event_not_shown", error=type(error).__name__)
            return
        queue = context.application.update_queue
        again = ViewNotDelivered(chat_id, tries, told)
        asyncio.get_running_loop().call_later(RETRY_SECONDS * tries, queue.put_nowait, again)

    async def _where(
        self, chat_id: int, context: Context
    ) -> tuple[ConversationState | None, StepContext]:
        """Give where the person is; in a private chat person and chat have the same number."""
        services, now = context.services, context.services.now()
        async with services.database.unit_of_work() as session:
            state = await services.conversations.find(session, chat_id, chat_id)
        return state, self._scene(chat_id, now, state, context)

    def _scene(
        self, chat_id: int, now: datetime, state: ConversationState | None, context: Context
    ) -> StepContext:
        data: Mapping[str, str] = state.data if state is not None else {}
        client = data.get(pairing_steps.CLIENT_LANGUAGE) or self.live_messages.client_language(
            chat_id
        )
        language = context.services.people.language(chat_id, client)
        return StepContext(chat_id, chat_id, language, client, now, {})


_REPLACED = StatusMessage(background_messages.REPLACED)


def _is_elsewhere(event: BridgeEvent, desk: CardConversation) -> bool:
    """Tell whether an event is about other work than the conversation's."""
    if not isinstance(event, events.OperationEvent):
        return False
    return desk.operation is None or not desk.operation.is_about(event)


async def on_event(event: Any, context: Context) -> None:
    """Take an event out of the chat's queue."""
    desk: BridgeEventHandler | None = context.bot_data.get(pair.BRIDGE)
    if desk is not None:
        await desk.on_event(event, context)
