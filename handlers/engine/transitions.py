"""Moving from step to step: every change of state, in one transaction with its effect.

No Telegram here: who is where goes in, where they are now comes out.
"""

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
from services.conversations import ConversationState, ConversationStore

BACK, CANCEL = "back", "cancel"
CANCELLED = "(cancelled)"
"""The step a conversation is at that was left; no declared step has such a name."""

_STATUS = "(told)"
"""Among what is kept: the line above the step; nothing that a step keeps has such a name."""

Conversations = Mapping[str, Conversation]


def find_step(conversations: Conversations, state: ConversationState) -> Step | None:
    """Give the step somebody is at; `None` for one that is declared no more."""
    dialog = conversations.get(state.conversation)
    return None if dialog is None else dialog.steps.get(state.step)


def status_message_of(state: ConversationState) -> StatusMessage | None:
    """Give the line above the step somebody is at."""
    if _STATUS not in state.data:
        return None
    stored = json.loads(state.data[_STATUS])
    return StatusMessage(stored["message"], stored["values"])


def _stored(message: StatusMessage) -> str:
    values = {"message": message.text, "values": dict(message.values)}
    return json.dumps(values, ensure_ascii=False)


def without_status_message(state: ConversationState) -> ConversationState:
    """Give where somebody is without the line above it."""
    return replace(state, data={k: v for k, v in state.data.items() if k != _STATUS})


@dataclass(frozen=True)
class ConversationMachine:
    """The state machine of conversations: each transition is one transaction with its effect."""

    conversations: Conversations
    store: ConversationStore
    session: AsyncSession
    context: StepContext

    async def begin(
        self, before: ConversationState | None, target: tuple[str, str]
    ) -> ConversationState:
        """Begin a conversation at a step, in place of whatever was before.

        :raises ConversationChangedError: when somebody else moved it meanwhile.
        """
        dialog, step = target
        version = before.version if before else 0
        blank = ConversationState(
            self.context.chat_id,
            self.context.user_id,
            dialog,
            step,
            self.context.now,
            version=version,
        )
        return await self._save(blank)

    async def press_button(self, state: ConversationState, key: str) -> ConversationState | None:
        """Do what a button of the step says; `None` for a button it does not have.

        A choice that works in transactions of its own is for `follow`.

        :raises ConversationChangedError: when somebody else moved it meanwhile.
        """
        if key == CANCEL:
            left = replace(state, step=CANCELLED, history=(), data={}, is_open=False)
            return await self._save(left)
        if key == BACK and state.history:
            dialog, name = resolve_target(state.history[-1], state.conversation)
            before = replace(state, conversation=dialog, step=name, history=state.history[:-1])
            return await self._save(without_status_message(before))
        choice = self.find_button(state, key)
        return None if choice is None else await self._go(state, choice, {})

    def find_button(self, state: ConversationState, key: str) -> ButtonTransition | None:
        """Give the choice that a button of the step stands for, where it is there."""
        step = find_step(self.conversations, state)
        ctx = replace(self.context, data=state.data)
        choices = step.buttons if step else ()
        return next((c for c in choices if c.key == key and c.is_shown(ctx)), None)

    async def submit_secret(
        self, state: ConversationState, secret: SecretInput[Value], value: Value
    ) -> ConversationState:
        """Do what something secret leads to in the transaction of the move.

        :raises ConversationChangedError: when somebody else moved it meanwhile.
        """
        assert secret.effect is not None
        ctx = replace(self.context, data=state.data)
        return await self.follow(state, secret, await secret.effect(self.session, value, ctx))

    async def follow(
        self, state: ConversationState, transition: Transition, result: StepResult
    ) -> ConversationState:
        """Go where something led.

        :raises ConversationChangedError: when somebody else moved it meanwhile.
        :raises UndeclaredError: to a place that the way does not name.
        """
        target = resolve_target(result.target, state.conversation)
        declared = {
            resolve_target(each, state.conversation)
            for each in (transition.target, *transition.also_targets)
        }
        if target not in declared | {(state.conversation, state.step)}:
            raise UndeclaredTargetError(
                f"{state.conversation}/{state.step} leads to {result.target}"
            )
        data = {k: v for k, v in state.data.items() if k not in (*result.clear_data, _STATUS)}
        data |= result.set_data
        if result.message is not None:
            data[_STATUS] = _stored(result.message)
        dialog, step = target
        history = () if result.clears_history else _history(state, f"{dialog}/{step}")
        return await self._save(
            replace(state, conversation=dialog, step=step, history=history, data=data)
        )

    async def submit_text(self, state: ConversationState, text: str) -> ConversationState | None:
        """Take what was typed; `None` where the step did not ask for it.

        :raises NotTakenError: when it is meant for the step but cannot be taken.
        :raises ConversationChangedError: when somebody else moved it meanwhile.
        """
        step = find_step(self.conversations, state)
        if step is None or step.text_input is None:
            return None
        kept = step.text_input.read(text, replace(self.context, data=state.data))
        if kept is None:
            return None
        return await self._go(state, step.text_input, kept)

    async def expire(self, state: ConversationState) -> ConversationState:
        """Close a conversation that rested too long.

        :raises ConversationChangedError: when somebody else moved it meanwhile.
        """
        closed = replace(state.expire(), last_update_id=self.context.update_id)
        return await self.store.save(self.session, closed)

    async def _go(
        self, state: ConversationState, way: ButtonTransition | TextInput, kept: Mapping[str, str]
    ) -> ConversationState:
        outcome = StepResult(way.target, kept)
        if way.effect is not None:
            ctx = replace(self.context, data={**state.data, **kept})
            given = await way.effect(self.session, ctx)
            led = given if isinstance(given, StepResult) else StepResult(way.target, given)
            outcome = replace(led, set_data={**kept, **led.set_data})
        return await self.follow(state, way, outcome)

    async def _save(self, state: ConversationState) -> ConversationState:
        """Write where somebody is now, with a new rest to come."""
        step = find_step(self.conversations, state)
        if step is not None and step.on_enter is not None:
            ctx = replace(self.context, data=state.data)
            state = replace(state, data={**state.data, **await step.on_enter(self.session, ctx)})
        is_open = step is not None and not step.is_end
        expires_at = self.context.now + self.conversations[state.conversation].timeout
        moved = replace(
            state, is_open=is_open, expires_at=expires_at, last_update_id=self.context.update_id
        )
        return await self.store.save(self.session, moved)


def _history(state: ConversationState, target: str) -> tuple[str, ...]:
    """Give the way back from `target`; a step that is come to again shortens it."""
    way = (*state.history, f"{state.conversation}/{state.step}")
    return way[: way.index(target)] if target in way else way
