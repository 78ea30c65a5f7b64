"""What the bridge hub tells a chat, shown in the one message that follows work on the card.

An event stands in the chat's own queue, like an update. It moves the person's conversation in one
transaction; what it sets off at the hub happens outside it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter

from handlers.card import messages, pairing_steps
from handlers.card.live_messages import LiveMessages
from handlers.card.operation_steps import FAILED, FAILURE, UNRESOLVED_STEP, WORK, CardConversation
from handlers.context import Context
from handlers.conversations import pair
from handlers.engine.model import ExternalTransition, StatusMessage, StepContext, StepResult
from handlers.engine.session import ConversationSession, conversations_of
from handlers.screen.view import send_to, show_at, view
from reader_bridge.protocol import FailureCode
from services.bridge import events
from services.bridge.events import BridgeEvent
from services.bridge.interface import BridgeHub
from services.conversations import ConversationState

RETRY_SECONDS = 3.0
_MOST_RETRIES = 8
_OPERATION_STEPS = (WORK, UNRESOLVED_STEP, FAILED)
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
"""No transition; the step is shown as it is now."""


@dataclass(frozen=True)
class BridgeEventHandler:
    """Takes the hub's events to the conversations.

    :ivar conversations: by name, those that hear of them.
    """

    hub: BridgeHub
    live_messages: LiveMessages
    conversations: Mapping[str, CardConversation]

    async def on_event(self, event: BridgeEvent, context: Context) -> None:
        """Handle one event."""
        session = await self._load_session(event.chat_id, context)
        self._update_live_messages(event)
        state, ctx = session.state, session.step_context()
        conversation = None
        if state is not None and state.is_open:
            conversation = self.conversations.get(state.conversation)
        ended = None
        if (
            isinstance(event, events.OperationSucceeded | events.OperationFailed)
            and event.task.purpose is not None
        ):
            ended = event.operation_id
        if state is not None and self._shows_connected(event, state):
            await self._show(session, context)
            return
        if conversation is None or state is None:
            await self._send_background_message(event, ctx, context, ended)
            return
        result = await self._find_result(event, conversation, ctx, state.step)
        if result is None:
            if not _is_of_other_task(event, conversation):
                ended = None if state.step in _OPERATION_STEPS else ended
            await self._send_background_message(event, ctx, context, ended)
            return
        if result is not _STAY and not await self._follow(session, state, result):
            return
        attempts = 0
        if isinstance(event, ViewNotDelivered):
            attempts, ended = event.attempts, event.operation_id
        await self._show(session, context, attempts, ended)

    def _shows_connected(self, event: BridgeEvent, state: ConversationState) -> bool:
        """Whether a message still says that a PC is connected which no longer is."""
        is_said = (state.conversation, state.step) == (pair.NAME, pair.PAIRED)
        is_there = self.live_messages.message_id(event.chat_id) is not None
        return isinstance(event, events.BridgeUnpaired) and is_said and is_there

    async def _find_result(
        self, event: BridgeEvent, conversation: CardConversation, ctx: StepContext, step: str
    ) -> StepResult | None:
        """Return where an event leads; `None` where the step has nothing to do with it."""
        match event:
            case PairingCodeAged():
                is_older = self.live_messages.have_minutes_changed(ctx.chat_id, ctx.now)
                return _STAY if step == pairing_steps.PAIR and is_older else None
            case ProcessRestarted() | ViewNotDelivered():
                return _STAY
            case events.OperationEvent():
                return await self._result_of_operation(event, conversation, ctx, step)
            case events.BridgeConnected() if conversation.pairing.awaits_connection(step, ctx):
                return replace(await conversation.pairing.on_connected(ctx), clears_history=True)
            case events.BridgeConnected() | events.BridgeDisconnected() if step == WORK:
                return _STAY
            case events.BridgeUnpaired() if step == FAILED and conversation.operation is not None:
                was_closed = ctx.data[FAILURE] == FailureCode.CANCELLED
                return (
                    conversation.operation.failed_step(events.ServerFailure.UNPAIRED, ctx)
                    if was_closed
                    else None
                )
        return await self._result_of_pairing(event, conversation, ctx, step)

    async def _result_of_pairing(
        self, event: BridgeEvent, conversation: CardConversation, ctx: StepContext, step: str
    ) -> StepResult | None:
        if step not in (*pairing_steps.STEPS, "unlinked"):
            return None
        match event:
            case events.PairingOffered() if step != "unlinked":
                return StepResult(pairing_steps.COMPARE, clears_history=True)
            case events.PairingFailed() if step in (pairing_steps.COMPARE, pairing_steps.CONFIRMED):
                why = {pairing_steps.END_REASON: str(event.reason)}
                return StepResult(pairing_steps.PAIRING_ENDED, why, clears_history=True)
            case events.BridgePaired():
                led = replace(await conversation.pairing.on_connected(ctx), clears_history=True)
                return (
                    replace(led, message=_REPLACED) if event.replaced and not led.message else led
                )
            case events.BridgeUnpaired() if step == "unlinked":
                why = {pairing_steps.END_REASON: str(event.reason)}
                return StepResult(pairing_steps.PAIRING_ENDED, why, clears_history=True)
        return None

    async def _result_of_operation(
        self,
        event: events.OperationEvent,
        conversation: CardConversation,
        ctx: StepContext,
        step: str,
    ) -> StepResult | None:
        work = conversation.operation
        if work is None or step not in _OPERATION_STEPS or not work.is_about(event):
            return None
        match event:
            case events.OperationProgressed():
                return _STAY if step == WORK else StepResult(WORK, clears_history=True)
            case events.OperationSucceeded():
                return await work.on_done(event.value, ctx)
            case events.OperationFailed():
                return work.handle_failure(event, ctx)
            case events.OperationUnresolved():
                return work.unresolved_step(event)
        return None

    def _update_live_messages(self, event: BridgeEvent) -> None:
        """Note how far the PC is."""
        chat = event.chat_id
        match event:
            case events.OperationProgressed():
                progress = self.live_messages.progress(chat) or self.live_messages.begin_operation(
                    chat, event.task
                )
                progress.step, progress.tries_left = event.step, event.tries_left
            case (
                events.OperationSucceeded()
                | events.OperationFailed()
                | events.OperationUnresolved()
            ):
                self.live_messages.end_operation(chat)
            case events.PairingOffered() | events.BridgePaired():
                self.live_messages.set_code(chat, None)
            case events.BridgeConnected() | events.BridgeDisconnected():
                running = self.live_messages.progress(chat)
                if running is not None:
                    running.is_linked = isinstance(event, events.BridgeConnected)
            case ProcessRestarted():
                self._resume(chat)

    def _resume(self, chat: int) -> None:
        """Follow what outlived the process: the PC tells its end when it is back."""
        presence = self.hub.status(chat)
        if presence.running is not None:
            self.live_messages.begin_operation(
                chat, presence.running
            ).is_linked = presence.is_connected

    async def _send_background_message(
        self, event: BridgeEvent, ctx: StepContext, context: Context, ended: str | None
    ) -> None:
        """Send what matters in a message of its own to somebody who is in another conversation.

        :param ended: the operation whose end that is.
        """
        text = messages.background_message(event, ctx.language)
        if text is not None:
            try:
                await send_to(context.bot, ctx.chat_id, view(text))
            except Forbidden:
                _log.info("bridge_chat_closed_to_us")
        if ended is not None:
            await self.hub.acknowledge_end(ended)

    async def _follow(
        self, session: ConversationSession, state: ConversationState, result: StepResult
    ) -> bool:
        """Go where an event leads; `False` where another process did, which also shows it."""
        step = session.conversations[state.conversation].steps[state.step]
        targets = {
            target
            for transition in step.external_transitions
            for target in (transition.target, *transition.also_targets)
        }
        transition = ExternalTransition("", result.target, tuple(targets))
        async with session.transaction() as machine:
            session.state = await machine.follow(state, transition, result)
        return not session.is_overtaken

    async def _show(
        self,
        session: ConversationSession,
        context: Context,
        attempts: int = 0,
        ended: str | None = None,
    ) -> None:
        chat_id = session.context.chat_id
        message_id = self.live_messages.message_id(chat_id)
        try:
            await show_at(context.bot, chat_id, message_id, session.render())
        except Forbidden:
            _log.info("bridge_chat_closed_to_us")
        except BadRequest:
            raise
        except (NetworkError, RetryAfter) as error:
            self._show_later(chat_id, attempts + 1, ended, context, error)
            return
        if ended is not None:
            await self.hub.acknowledge_end(ended)

    def _show_later(
        self, chat_id: int, attempts: int, ended: str | None, context: Context, error: Exception
    ) -> None:
        if attempts > _MOST_RETRIES:
            _log.error("bridge_event_not_shown", error=type(error).__name__)
            return
        queue = context.application.update_queue
        again = ViewNotDelivered(chat_id, attempts, ended)
        asyncio.get_running_loop().call_later(RETRY_SECONDS * attempts, queue.put_nowait, again)

    async def _load_session(self, chat_id: int, context: Context) -> ConversationSession:
        """Load the conversation; in a private chat person and chat have the same number."""
        services = context.services
        ctx = StepContext(chat_id, chat_id, "", None, services.now(), {})
        session = ConversationSession(services, conversations_of(context), ctx)
        state = await session.load()
        spoken = state.data.get(pairing_steps.CLIENT_LANGUAGE) if state is not None else None
        client = spoken or self.live_messages.client_language(chat_id)
        language = services.languages.resolve(chat_id, client)
        session.context = replace(ctx, language=language, client_language=client)
        return session


_REPLACED = StatusMessage(messages.REPLACED)


def _is_of_other_task(event: BridgeEvent, conversation: CardConversation) -> bool:
    """Whether an event is about another task than the conversation's."""
    if not isinstance(event, events.OperationEvent):
        return False
    return conversation.operation is None or not conversation.operation.is_about(event)


async def on_event(event: Any, context: Context) -> None:
    """Take an event out of the chat's queue."""
    handler: BridgeEventHandler | None = context.bot_data.get(pair.BRIDGE)
    if handler is not None:
        await handler.on_event(event, context)
