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
from handlers.card.live_messages import Board
from handlers.card.operation_steps import DOUBT, FAILED, FAILURE, WORK, CardDialog
from handlers.context import Context
from handlers.conversations import pair
from handlers.engine.model import Heard, Outcome, Scene, Told
from handlers.engine.session import at, shown_at
from handlers.engine.transitions import Mover
from handlers.screen.view import send_to, show_at, view
from reader_bridge.protocol import FailureCode
from services.bridge import events
from services.bridge.events import BridgeEvent
from services.bridge.interface import BridgeHub
from services.conversations import ConversationChangedError, ConversationState

RETRY_SECONDS = 3.0
_MOST_RETRIES = 8
_AT_WORK = (WORK, DOUBT, FAILED)
_log = structlog.get_logger()


@dataclass(frozen=True)
class TimePassed(BridgeEvent):
    """A code that is shown may have fewer minutes left, or be over."""


@dataclass(frozen=True)
class Restarted(BridgeEvent):
    """The process was started anew while the chat had something live."""


@dataclass(frozen=True)
class NotShown(BridgeEvent):
    """The line failed while something was to be shown.

    :ivar told: the operation whose end that was.
    """

    tries: int = 1
    told: str | None = None


_STAY = Outcome("")
"""Nobody moves; the step is shown as it is now."""


@dataclass(frozen=True)
class BridgeDesk:
    """Takes the hub's events to the conversations.

    :ivar dialogs: by name, those that hear of them.
    """

    hub: BridgeHub
    board: Board
    dialogs: Mapping[str, CardDialog]

    async def on_event(self, event: BridgeEvent, context: Context) -> None:
        """Take one event."""
        state, scene = await self._where(event.chat_id, context)
        self._note(event)
        desk = self.dialogs.get(state.conversation) if state is not None and state.is_open else None
        told = None
        if (
            isinstance(event, events.OperationSucceeded | events.OperationFailed)
            and event.task.purpose is not None
        ):
            told = event.operation_id
        if state is not None and self._stands_connected(event, state):
            await self._show(state, scene, context, 0, None)
            return
        if desk is None or state is None:
            await self._apart(event, scene, context, told)
            return
        outcome = await self._led(event, desk, at(scene, state), state.step)
        if outcome is None:
            if not _is_elsewhere(event, desk):
                told = None if state.step in _AT_WORK else told
            await self._apart(event, scene, context, told)
            return
        if outcome is not _STAY:
            state = await self._move(state, scene, outcome, context)
        if state is not None:
            tries = event.tries if isinstance(event, NotShown) else 0
            told = event.told if isinstance(event, NotShown) else told
            await self._show(state, scene, context, tries, told)

    def _stands_connected(self, event: BridgeEvent, state: ConversationState) -> bool:
        """Tell whether a message calls a PC connected that is no more."""
        is_said = (state.conversation, state.step) == (pair.NAME, pair.PAIRED)
        is_there = self.board.message(event.chat_id) is not None
        return isinstance(event, events.BridgeUnpaired) and is_said and is_there

    async def _led(
        self, event: BridgeEvent, desk: CardDialog, scene: Scene, step: str
    ) -> Outcome | None:
        """Give where an event leads; `None` where the step has nothing to do with it."""
        match event:
            case TimePassed():
                is_older = self.board.has_aged(scene.chat_id, scene.now)
                return _STAY if step == pairing_steps.PAIR and is_older else None
            case Restarted() | NotShown():
                return _STAY
            case events.OperationEvent():
                return await self._of_work(event, desk, scene, step)
            case events.BridgeConnected() if desk.pairing.awaits_link(step, scene):
                return replace(await desk.pairing.go_on(scene), is_one_way=True)
            case events.BridgeConnected() | events.BridgeDisconnected() if step == WORK:
                return _STAY
            case events.BridgeUnpaired() if step == FAILED and desk.work is not None:
                was_closed = scene.data[FAILURE] == FailureCode.CANCELLED
                return (
                    desk.work.failed_as(events.ServerFailure.UNPAIRED, scene)
                    if was_closed
                    else None
                )
        return await self._of_pairing(event, desk, scene, step)

    async def _of_pairing(
        self, event: BridgeEvent, desk: CardDialog, scene: Scene, step: str
    ) -> Outcome | None:
        if step not in (*pairing_steps.STEPS, "unlinked"):
            return None
        match event:
            case events.PairingOffered() if step != "unlinked":
                return Outcome(pairing_steps.COMPARE, is_one_way=True)
            case events.PairingFailed() if step in (pairing_steps.COMPARE, pairing_steps.CONFIRMED):
                why = {pairing_steps.WHY: str(event.reason)}
                return Outcome(pairing_steps.PARTED_STEP, why, is_one_way=True)
            case events.BridgePaired():
                led = replace(await desk.pairing.go_on(scene), is_one_way=True)
                return replace(led, told=_REPLACED) if event.replaced and not led.told else led
            case events.BridgeUnpaired() if step == "unlinked":
                why = {pairing_steps.WHY: str(event.reason)}
                return Outcome(pairing_steps.PARTED_STEP, why, is_one_way=True)
        return None

    async def _of_work(
        self, event: events.OperationEvent, desk: CardDialog, scene: Scene, step: str
    ) -> Outcome | None:
        work = desk.work
        if work is None or step not in _AT_WORK or not work.is_about(event):
            return None
        match event:
            case events.OperationProgressed():
                return _STAY if step == WORK else Outcome(WORK, is_one_way=True)
            case events.OperationSucceeded():
                return await work.finish(event.value, scene)
            case events.OperationFailed():
                return work.failed(event, scene)
            case events.OperationUnresolved():
                return work.in_doubt(event)
        return None

    def _note(self, event: BridgeEvent) -> None:
        """Note how far the PC is."""
        chat = event.chat_id
        match event:
            case events.OperationProgressed():
                progress = self.board.progress(chat) or self.board.begin(chat, event.task)
                progress.step, progress.tries_left = event.step, event.tries_left
            case (
                events.OperationSucceeded()
                | events.OperationFailed()
                | events.OperationUnresolved()
            ):
                self.board.end(chat)
            case events.PairingOffered() | events.BridgePaired():
                self.board.put_code(chat, None)
            case events.BridgeConnected() | events.BridgeDisconnected():
                running = self.board.progress(chat)
                if running is not None:
                    running.is_linked = isinstance(event, events.BridgeConnected)
            case Restarted():
                self._take_up(chat)

    def _take_up(self, chat: int) -> None:
        """Follow what outlived the process: the PC tells its end when it is back."""
        presence = self.hub.status(chat)
        if presence.running is not None:
            self.board.begin(chat, presence.running).is_linked = presence.is_connected

    async def _apart(
        self, event: BridgeEvent, scene: Scene, context: Context, told: str | None
    ) -> None:
        """Tell what matters though the person is elsewhere by now, in a message of its own."""
        words = background_messages.apart(event, scene.language)
        if words is not None:
            try:
                await send_to(context.bot, scene.chat_id, view(words))
            except Forbidden:
                _log.info("bridge_chat_closed_to_us")
        if told is not None:
            await self.hub.acknowledge_end(told)

    async def _move(
        self, state: ConversationState, scene: Scene, outcome: Outcome, context: Context
    ) -> ConversationState | None:
        services = context.services
        step = context.conversations[state.conversation].steps[state.step]
        ways = {place for way in step.heard for place in (way.to, *way.others)}
        way = Heard("", outcome.to, tuple(ways))
        try:
            async with services.database.unit_of_work() as session:
                mover = Mover(context.conversations, services.conversations, session, scene, 0)
                moved = await mover.follow(state, way, outcome)
        except ConversationChangedError:  # by another process; who did that has shown it
            return None
        services.conversations.remember(moved)
        return moved

    async def _show(
        self, state: ConversationState, scene: Scene, context: Context, tries: int, told: str | None
    ) -> None:
        shown = shown_at(context, scene, state)
        try:
            await show_at(context.bot, scene.chat_id, self.board.message(scene.chat_id), shown)
        except Forbidden:
            _log.info("bridge_chat_closed_to_us")
        except BadRequest:
            raise
        except (NetworkError, RetryAfter) as error:
            self._show_later(scene.chat_id, tries + 1, told, context, error)
            return
        if told is not None:
            await self.hub.acknowledge_end(told)

    def _show_later(
        self, chat_id: int, tries: int, told: str | None, context: Context, error: Exception
    ) -> None:
        if tries > _MOST_RETRIES:
            _log.error("bridge_event_not_shown", error=type(error).__name__)
            return
        queue = context.application.update_queue
        again = NotShown(chat_id, tries, told)
        asyncio.get_running_loop().call_later(RETRY_SECONDS * tries, queue.put_nowait, again)

    async def _where(
        self, chat_id: int, context: Context
    ) -> tuple[ConversationState | None, Scene]:
        """Give where the person is; in a private chat person and chat have the same number."""
        services, now = context.services, context.services.now()
        async with services.database.unit_of_work() as session:
            state = await services.conversations.find(session, chat_id, chat_id)
        return state, self._scene(chat_id, now, state, context)

    def _scene(
        self, chat_id: int, now: datetime, state: ConversationState | None, context: Context
    ) -> Scene:
        data: Mapping[str, str] = state.data if state is not None else {}
        client = data.get(pairing_steps.CLIENT) or self.board.client_language(chat_id)
        language = context.services.people.language(chat_id, client)
        return Scene(chat_id, chat_id, language, client, now, {})


_REPLACED = Told(background_messages.REPLACED)


def _is_elsewhere(event: BridgeEvent, desk: CardDialog) -> bool:
    """Tell whether an event is about other work than the conversation's."""
    if not isinstance(event, events.OperationEvent):
        return False
    return desk.work is None or not desk.work.is_about(event)


async def on_event(event: Any, context: Context) -> None:
    """Take an event out of the chat's queue."""
    desk: BridgeDesk | None = context.bot_data.get(pair.BRIDGE)
    if desk is not None:
        await desk.on_event(event, context)
