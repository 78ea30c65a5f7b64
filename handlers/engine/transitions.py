"""The transitions of conversations: a state goes in, the next one comes out. No Telegram here."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.engine.model import (
    ButtonTransition,
    Conversation,
    SecretInput,
    StatusMessage,
    Step,
    StepContext,
    StepResult,
    TextInput,
    Transition,
    UndeclaredTargetError,
    Value,
    resolve_target,
)
from services.clock import steady_time
from services.conversations import ConversationState, ConversationStore

BACK, CANCEL = "back", "cancel"
CANCELLED = "(cancelled)"
"""The step of a cancelled conversation; no declared step has such a name."""
_STATUS = "(told)"
"""The key of the status message in the data; no step uses such a key."""

Conversations = Mapping[str, Conversation]


def find_step(conversations: Conversations, state: ConversationState) -> Step | None:
    """Return the present step; `None` for one that is no longer declared."""
    conversation = conversations.get(state.conversation)
    return None if conversation is None else conversation.steps.get(state.step)


def status_message_of(state: ConversationState) -> StatusMessage | None:
    """Return the message above the present step."""
    if _STATUS not in state.data:
        return None
    stored = json.loads(state.data[_STATUS])
    return StatusMessage(stored["message"], stored["values"], stored.get("is_first", False))


def without_status_message(state: ConversationState) -> ConversationState:
    """Return the state without the message above the step."""
    return replace(state, data={k: v for k, v in state.data.items() if k != _STATUS})


@dataclass(frozen=True)
class ConversationMachine:
    """The state machine of conversations: each transition is one transaction with its effect.

    Every method raises `ConversationChangedError` where another process changed the conversation
    since its state was read.
    """

    conversations: Conversations
    store: ConversationStore
    session: AsyncSession
    context: StepContext

    async def begin(
        self,
        before: ConversationState | None,
        target: tuple[str, str],
        message: StatusMessage | None = None,
    ) -> ConversationState:
        """Start a conversation at a step, in place of the one before.

        :param message: shown above the step.
        """
        conversation, step = target
        ctx, version = self.context, before.version if before else 0
        data = {} if message is None else {_STATUS: _as_json(message)}
        return await self._enter(
            ConversationState(
                ctx.chat_id, ctx.user_id, conversation, step, ctx.now, data=data, version=version
            )
        )

    async def press_button(self, state: ConversationState, key: str) -> ConversationState | None:
        """Follow a button of the step; `None` for a button it does not have.

        A button with an action is for `follow`, once the action was run.
        """
        if key == CANCEL:
            cancelled = replace(state, step=CANCELLED, history=(), data={}, is_open=False)
            return await self._enter(cancelled)
        if key == BACK and state.history:
            conversation, step = resolve_target(state.history[-1], state.conversation)
            history = state.history[:-1]
            before = replace(state, conversation=conversation, step=step, history=history)
            return await self._enter(without_status_message(before))
        button = self.find_button(state, key)
        return None if button is None else await self._run_effect(state, button, {})

    def find_button(self, state: ConversationState, key: str) -> ButtonTransition | None:
        """Return the button of the present step with a key, where it is shown."""
        step, ctx = find_step(self.conversations, state), self._at(state)
        buttons = step.buttons if step else ()
        return next((b for b in buttons if b.key == key and b.is_shown(ctx)), None)

    async def submit_text(self, state: ConversationState, text: str) -> ConversationState | None:
        """Hand a typed text to the step; `None` where it is not the step's input.

        :raises InputRejectedError: for input that is not acceptable.
        """
        step = find_step(self.conversations, state)
        if step is None or step.text_input is None:
            return None
        data = step.text_input.read(text, self._at(state))
        return None if data is None else await self._run_effect(state, step.text_input, data)

    async def submit_secret(
        self, state: ConversationState, secret: SecretInput[Value], value: Value
    ) -> ConversationState:
        """Run the effect of a secret input, and go where it leads."""
        assert secret.effect is not None
        result = await secret.effect(self.session, value, self._at(state))
        return await self.follow(state, secret, result)

    async def follow(
        self, state: ConversationState, transition: Transition, result: StepResult
    ) -> ConversationState:
        """Go where an effect or action led.

        :raises UndeclaredTargetError: for a step that the transition does not name.
        """
        here = (state.conversation, state.step)
        target = resolve_target(result.target, state.conversation)
        targets = (transition.target, *transition.also_targets)
        declared = {resolve_target(each, state.conversation) for each in targets}
        if target not in declared | {here}:
            raise UndeclaredTargetError(f"{'/'.join(here)} leads to {result.target}")
        data = {k: v for k, v in state.data.items() if k not in (*result.clear_data, _STATUS)}
        data |= result.set_data
        if result.message is not None:
            data[_STATUS] = _as_json(result.message)
        conversation, step = target
        history = () if result.clears_history else _extend_history(state, f"{conversation}/{step}")
        return await self._enter(
            replace(state, conversation=conversation, step=step, history=history, data=data)
        )

    async def expire(self, state: ConversationState) -> ConversationState:
        """Close a conversation that timed out."""
        closed = replace(state.expire(), last_update_id=self.context.update_id)
        return await self.store.save(self.session, closed)

    async def _run_effect(
        self,
        state: ConversationState,
        transition: ButtonTransition | TextInput,
        data: Mapping[str, str],
    ) -> ConversationState:
        result = StepResult(transition.target, data)
        if transition.effect is not None:
            ctx = replace(self.context, data={**state.data, **data})
            returned = await transition.effect(self.session, ctx)
            if not isinstance(returned, StepResult):
                returned = StepResult(transition.target, returned)
            result = replace(returned, set_data={**data, **returned.set_data})
        return await self.follow(state, transition, result)

    async def _enter(self, state: ConversationState) -> ConversationState:
        """Save the state with what entering its step adds, and with a new timeout."""
        step = find_step(self.conversations, state)
        if step is not None and step.on_enter is not None:
            added = await step.on_enter(self.session, self._at(state))
            state = replace(state, data={**state.data, **added})
        timeout = self.conversations[state.conversation].timeout
        entered = replace(
            state,
            is_open=step is not None and not step.is_end,
            expires_at=steady_time(self.context.now) + timeout,
            last_update_id=self.context.update_id,
        )
        return await self.store.save(self.session, entered)

    def _at(self, state: ConversationState) -> StepContext:
        return replace(self.context, data=state.data)


def _as_json(message: StatusMessage) -> str:
    stored = {
        "message": message.text,
        "values": dict(message.values),
        "is_first": message.is_first,
    }
    return json.dumps(stored, ensure_ascii=False)


def _extend_history(state: ConversationState, target: str) -> tuple[str, ...]:
    """Return the history at `target`; returning to an earlier step shortens it."""
    history = (*state.history, f"{state.conversation}/{state.step}")
    return history[: history.index(target)] if target in history else history
