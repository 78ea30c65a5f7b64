"""The handler of the bridge's events, shown in the message that follows an operation on the card.

An event waits in the queue of its chat, like an update. It moves the person's conversation in one
transaction; calls of the hub happen outside of it.
"""

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter

from handlers.card import operation_texts, pairing_steps
from handlers.card.live_messages import LiveMessages
from handlers.card.operation_steps import FAILED, FAILURE, UNRESOLVED_STEP, WORK, CardConversation
from handlers.context import Context
from handlers.conversations import pair
from handlers.engine.model import ExternalTransition, StatusMessage, StepContext, StepResult
from handlers.engine.session import ConversationSession, conversations_of
from handlers.engine.transitions import CANCELLED
from handlers.finished_elsewhere import finish_conversation
from handlers.screen.view import send_to, show_at, view
from reader_bridge.protocol import FailureCode
from services.back_off import back_off
from services.bridge import events
from services.bridge.events import BridgeEvent
from services.bridge.interface import BridgeHub
from services.conversations import ConversationState
from services.storage.availability import DatabaseUnavailableError

RETRY_SECONDS = 3.0
_MAX_RETRIES = 8
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 2.0
"""Seconds between two attempts while the database is away."""
_OPERATION_STEPS = (WORK, UNRESOLVED_STEP, FAILED)
_log = structlog.get_logger()


@dataclass(frozen=True)
class PairingCodeAged(BridgeEvent):
    """The minutes left for the pairing code that is shown may have changed."""


@dataclass(frozen=True)
class ProcessRestarted(BridgeEvent):
    """The process was restarted while the chat had a live message."""


@dataclass(frozen=True)
class ViewNotDelivered(BridgeEvent):
    """Telegram could not be reached to show the present step.

    :ivar attempts: how often it was tried.
    :ivar operation_id: the operation whose end was to be shown.
    """

    attempts: int = 1
    operation_id: str | None = None


_STAY = StepResult("")
"""No transition: the present step is shown as it reads now."""


@dataclass(frozen=True)
class BridgeEventHandler:
    """Passes the hub's events to the conversations.

    :ivar conversations: the conversations that receive events, by name.
    """

    hub: BridgeHub
    live_messages: LiveMessages
    conversations: Mapping[str, CardConversation]

    async def on_event(self, event: BridgeEvent, context: Context) -> None:
        """Handle one event."""
        session = await self._load_session(event.chat_id, context)
        self._update_live_messages(event)
        state, ctx = session.state, session.step_context()
        ended = _ended_operation(event)
        if state is not None and self._has_outdated_message(event, state):
            await self._show(session, context, ended=ended)
            return
        conversation = None
        if state is not None and state.is_open:
            conversation = self.conversations.get(state.conversation)
        if conversation is None or state is None:
            await self._send_background_message(event, ctx, context, ended)
            return
        result = await self._find_result(event, conversation, ctx, state.step)
        if result is None:
            is_own = not _is_of_other_task(event, conversation)
            if is_own and state.step in _OPERATION_STEPS:
                ended = None
            await self._send_background_message(event, ctx, context, ended)
            return
        if result is not _STAY and not await self._follow(session, state, result):
            return
        attempts = 0
        if isinstance(event, ViewNotDelivered):
            attempts, ended = event.attempts, event.operation_id
        await self._show(session, context, attempts, ended)

    def _has_outdated_message(self, event: BridgeEvent, state: ConversationState) -> bool:
        """Whether a message says that a PC is connected, or is to stop, which is past."""
        if isinstance(event, events.CardTaskFailed) and state.step == CANCELLED:
            return event.code is FailureCode.CANCELLED
        shows_paired = (state.conversation, state.step) == (pair.NAME, pair.PAIRED)
        has_message = self.live_messages.message_id(event.chat_id) is not None
        return isinstance(event, events.BridgeUnpaired) and shows_paired and has_message

    async def _find_result(
        self, event: BridgeEvent, conversation: CardConversation, ctx: StepContext, step: str
    ) -> StepResult | None:
        """Return where an event leads; `None` where it does not concern the step."""
        match event:
            case PairingCodeAged():
                has_changed = self.live_messages.have_minutes_changed(ctx.chat_id, ctx.now)
                return _STAY if step == pairing_steps.PAIR and has_changed else None
            case ProcessRestarted() | ViewNotDelivered():
                return _STAY
            case events.CardTaskEvent():
                return await self._result_of_operation(event, conversation, ctx, step)
            case events.BridgeConnected() if conversation.pairing.awaits_connection(step, ctx):
                return replace(await conversation.pairing.on_connected(ctx), clears_history=True)
            case events.BridgeConnected() | events.BridgeDisconnected() if step == WORK:
                return _STAY
            case events.BridgeUnpaired() if step == FAILED and conversation.operation is not None:
                if ctx.data[FAILURE] != FailureCode.CANCELLED:  # else kaika-bridge was closed
                    return None
                return conversation.operation.failed_result(events.ServerFailure.UNPAIRED, ctx)
        return await self._result_of_pairing(event, conversation, ctx, step)

    async def _result_of_pairing(
        self, event: BridgeEvent, conversation: CardConversation, ctx: StepContext, step: str
    ) -> StepResult | None:
        if step not in (*pairing_steps.STEPS, pairing_steps.PC_AWAY):
            return None
        match event:
            case events.PairingDelayed() if step == pairing_steps.PAIR:
                return _STAY
            case events.PairingOffered() if step != pairing_steps.PC_AWAY:
                return StepResult(pairing_steps.COMPARE, clears_history=True)
            case events.PairingFailed() if step in (pairing_steps.COMPARE, pairing_steps.CONFIRMED):
                return _pairing_ended_result(event.reason)
            case events.BridgePaired():
                result = await conversation.pairing.on_connected(ctx)
                message = _REPLACED if event.replaced and not result.message else result.message
                return replace(result, message=message, clears_history=True)
            case events.BridgeUnpaired() if step == pairing_steps.PC_AWAY:
                return _pairing_ended_result(event.reason)
        return None

    async def _result_of_operation(
        self,
        event: events.CardTaskEvent,
        conversation: CardConversation,
        ctx: StepContext,
        step: str,
    ) -> StepResult | None:
        operation = conversation.operation
        if operation is None or step not in _OPERATION_STEPS or not operation.is_about(event):
            return None
        match event:
            case events.CardTaskProgressed():
                return _STAY if step == WORK else StepResult(WORK, clears_history=True)
            case events.CardTaskSucceeded():
                return await operation.on_done(event.value, ctx)
            case events.CardTaskFailed():
                return operation.handle_failure(event, ctx)
            case events.CardTaskUnresolved():
                return operation.unresolved_result(event)
        return None

    def _update_live_messages(self, event: BridgeEvent) -> None:
        """Store the progress that an event reports."""
        chat = event.chat_id
        match event:
            case events.CardTaskProgressed():
                progress = self.live_messages.progress(chat) or self.live_messages.begin_operation(
                    chat, event.task
                )
                progress.step, progress.tries_left = event.step, event.tries_left
            case events.CardTaskSucceeded() | events.CardTaskFailed() | events.CardTaskUnresolved():
                self.live_messages.end_operation(chat)
            case events.PairingDelayed():
                self.live_messages.set_delay(chat, event.until)
            case events.PairingOffered() | events.BridgePaired():
                self.live_messages.set_code(chat, None)
            case events.BridgeConnected() | events.BridgeDisconnected():
                running_operation = self.live_messages.progress(chat)
                if running_operation is not None:
                    running_operation.is_linked = isinstance(event, events.BridgeConnected)
            case ProcessRestarted():
                self.resume(chat)

    def resume(self, chat: int) -> None:
        """Follow an operation that outlived the process; the PC reports its end later."""
        presence = self.hub.status(chat)
        if presence.running is not None:
            self.live_messages.begin_operation(
                chat, presence.running
            ).is_linked = presence.is_connected

    async def _send_background_message(
        self, event: BridgeEvent, ctx: StepContext, context: Context, ended: str | None
    ) -> None:
        """Send an important event to a person who is in another conversation.

        :param ended: the operation whose end it is.
        """
        text = operation_texts.background_message(event, ctx.language)
        if text is not None:
            if isinstance(event, events.CardTaskSucceeded):
                await self._finish_conversation(event, context)
            try:
                await send_to(context.bot, ctx.chat_id, view(text))
            except Forbidden:
                _log.info("bridge_chat_closed_to_us")
        if ended is not None:
            await self.hub.acknowledge_end(ended)

    async def _finish_conversation(self, event: events.CardTaskSucceeded, context: Context) -> None:
        """Close the conversation of an operation that was begun again, and is done now."""
        name = str(event.task)
        async with context.services.database.unit_of_work() as session:
            await finish_conversation(
                session,
                context.services,
                event.chat_id,
                lambda state: state.conversation == name,
            )

    async def _follow(
        self, session: ConversationSession, state: ConversationState, result: StepResult
    ) -> bool:
        """Go where an event leads; `False` where another process did so, and shows it."""
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
            self._retry_later(chat_id, attempts + 1, ended, context, error)
            return
        if ended is not None:
            await self.hub.acknowledge_end(ended)

    def _retry_later(
        self, chat_id: int, attempts: int, ended: str | None, context: Context, error: Exception
    ) -> None:
        if attempts > _MAX_RETRIES:
            _log.error("bridge_event_not_shown", error=type(error).__name__)
            return
        queue = context.application.update_queue
        retry = ViewNotDelivered(chat_id, attempts, ended)
        asyncio.get_running_loop().call_later(RETRY_SECONDS * attempts, queue.put_nowait, retry)

    async def _load_session(self, chat_id: int, context: Context) -> ConversationSession:
        """Load the conversation; in a private chat, person and chat have the same id."""
        services = context.services
        ctx = StepContext(chat_id, chat_id, "", None, services.now(), {})
        session = ConversationSession(services, conversations_of(context), ctx)
        state = await session.load()
        stored = state.data.get(pairing_steps.CLIENT_LANGUAGE) if state is not None else None
        client_language = stored or self.live_messages.client_language(chat_id)
        language = services.languages.resolve(chat_id, client_language)
        session.context = replace(ctx, language=language, client_language=client_language)
        return session


_REPLACED = StatusMessage(operation_texts.REPLACED)


def _ended_operation(event: BridgeEvent) -> str | None:
    """Return the id of the operation that ended, where the hub has to know that it was shown."""
    ends = events.CardTaskSucceeded | events.CardTaskFailed
    if isinstance(event, ends) and event.task.can_change_pin:
        return event.operation_id
    return None


def _pairing_ended_result(reason: str) -> StepResult:
    data = {pairing_steps.END_REASON: str(reason)}
    return StepResult(pairing_steps.PAIRING_ENDED, data, clears_history=True)


def _is_of_other_task(event: BridgeEvent, conversation: CardConversation) -> bool:
    """Whether an event belongs to an operation that the conversation does not have."""
    if not isinstance(event, events.CardTaskEvent):
        return False
    return conversation.operation is None or not conversation.operation.is_about(event)


async def on_event(event: Any, context: Context) -> None:
    """Handle an event from the queue of its chat.

    While the database is away it waits, and the chat with it, since nobody sends an event again.

    :raises DatabaseUnavailableError: when the bot stops meanwhile; the next start shows how it is.
    """
    handler: BridgeEventHandler | None = context.bot_data.get(pair.BRIDGE)
    if handler is None:
        return
    for failures in itertools.count(1):
        try:
            await handler.on_event(event, context)
        except DatabaseUnavailableError as error:
            if not context.application.running:
                raise
            if failures == 1:
                _log.warning("bridge_event_waits", error=str(error))
            await asyncio.sleep(back_off(failures, _FIRST_WAIT, _LONGEST_WAIT))
        else:
            return
