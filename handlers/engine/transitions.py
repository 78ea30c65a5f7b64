"""Moving from step to step: every change of state, in one transaction with its effect.

No Telegram here: who is where goes in, where they are now comes out.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.engine.model import (
    Choice,
    Dialog,
    Outcome,
    Scene,
    Secret,
    Step,
    Told,
    Typed,
    UndeclaredError,
    Value,
    Way,
    place,
)
from services.conversations import ConversationState, ConversationStore

BACK, CANCEL = "back", "cancel"
CANCELLED = "(cancelled)"
"""The step a conversation is at that was left; no declared step has such a name."""

_TOLD = "(told)"
"""Among what is kept: the line above the step; nothing that a step keeps has such a name."""

Conversations = Mapping[str, Dialog]


def step_of(conversations: Conversations, state: ConversationState) -> Step | None:
    """Give the step somebody is at; `None` for one that is declared no more."""
    dialog = conversations.get(state.conversation)
    return None if dialog is None else dialog.steps.get(state.step)


def told_at(state: ConversationState) -> Told | None:
    """Give the line above the step somebody is at."""
    return Told(**json.loads(state.data[_TOLD])) if _TOLD in state.data else None


def without_told(state: ConversationState) -> ConversationState:
    """Give where somebody is without the line above it."""
    return replace(state, data={k: v for k, v in state.data.items() if k != _TOLD})


@dataclass(frozen=True)
class Mover:
    """Carries out one update's move.

    :ivar update_id: which update it is.
    """

    conversations: Conversations
    store: ConversationStore
    session: AsyncSession
    scene: Scene
    update_id: int

    async def begin(
        self, before: ConversationState | None, target: tuple[str, str]
    ) -> ConversationState:
        """Begin a conversation at a step, in place of whatever was before.

        :raises ConversationChangedError: when somebody else moved it meanwhile.
        """
        dialog, step = target
        version = before.version if before else 0
        blank = ConversationState(
            self.scene.chat_id, self.scene.user_id, dialog, step, self.scene.now, version=version
        )
        return await self._save(blank)

    async def press(self, state: ConversationState, key: str) -> ConversationState | None:
        """Do what a button of the step says; `None` for a button it does not have.

        A choice that works in transactions of its own is for `follow`.

        :raises ConversationChangedError: when somebody else moved it meanwhile.
        """
        if key == CANCEL:
            left = replace(state, step=CANCELLED, history=(), data={}, is_open=False)
            return await self._save(left)
        if key == BACK and state.history:
            dialog, name = place(state.history[-1], state.conversation)
            before = replace(state, conversation=dialog, step=name, history=state.history[:-1])
            return await self._save(without_told(before))
        choice = self.choice(state, key)
        return None if choice is None else await self._go(state, choice, {})

    def choice(self, state: ConversationState, key: str) -> Choice | None:
        """Give the choice that a button of the step stands for, where it is there."""
        step = step_of(self.conversations, state)
        scene = replace(self.scene, data=state.data)
        choices = step.choices if step else ()
        return next((c for c in choices if c.key == key and c.is_shown(scene)), None)

    async def entered(
        self, state: ConversationState, secret: Secret[Value], value: Value
    ) -> ConversationState:
        """Do what something secret leads to in the transaction of the move.

        :raises ConversationChangedError: when somebody else moved it meanwhile.
        """
        assert secret.effect is not None
        scene = replace(self.scene, data=state.data)
        return await self.follow(state, secret, await secret.effect(self.session, value, scene))

    async def follow(
        self, state: ConversationState, way: Way, outcome: Outcome
    ) -> ConversationState:
        """Go where something led.

        :raises ConversationChangedError: when somebody else moved it meanwhile.
        :raises UndeclaredError: to a place that the way does not name.
        """
        target = place(outcome.to, state.conversation)
        declared = {place(each, state.conversation) for each in (way.to, *way.others)}
        if target not in declared | {(state.conversation, state.step)}:
            raise UndeclaredError(f"{state.conversation}/{state.step} leads to {outcome.to}")
        data = {k: v for k, v in state.data.items() if k not in (*outcome.forget, _TOLD)}
        data |= outcome.kept
        if outcome.told is not None:
            data[_TOLD] = json.dumps(asdict(outcome.told), ensure_ascii=False)
        dialog, step = target
        history = () if outcome.is_one_way else _history(state, f"{dialog}/{step}")
        return await self._save(
            replace(state, conversation=dialog, step=step, history=history, data=data)
        )

    async def typed(self, state: ConversationState, text: str) -> ConversationState | None:
        """Take what was typed; `None` where the step did not ask for it.

        :raises NotTakenError: when it is meant for the step but cannot be taken.
        :raises ConversationChangedError: when somebody else moved it meanwhile.
        """
        step = step_of(self.conversations, state)
        if step is None or step.typed is None:
            return None
        kept = step.typed.read(text, replace(self.scene, data=state.data))
        if kept is None:
            return None
        return await self._go(state, step.typed, kept)

    def is_over(self, state: ConversationState) -> bool:
        """Tell whether an open conversation has to be closed: rested too long, or no longer here.

        A step may be declared no more when a new version of the bot is started.
        """
        is_here = step_of(self.conversations, state) is not None
        return state.is_open and (state.is_expired(self.scene.now) or not is_here)

    async def expire(self, state: ConversationState) -> ConversationState:
        """Close a conversation that rested too long.

        :raises ConversationChangedError: when somebody else moved it meanwhile.
        """
        closed = replace(state.expire(), last_update_id=self.update_id)
        return await self.store.save(self.session, closed)

    async def _go(
        self, state: ConversationState, way: Choice | Typed, kept: Mapping[str, str]
    ) -> ConversationState:
        outcome = Outcome(way.to, kept)
        if way.effect is not None:
            scene = replace(self.scene, data={**state.data, **kept})
            given = await way.effect(self.session, scene)
            led = given if isinstance(given, Outcome) else Outcome(way.to, given)
            outcome = replace(led, kept={**kept, **led.kept})
        return await self.follow(state, way, outcome)

    async def _save(self, state: ConversationState) -> ConversationState:
        """Write where somebody is now, with a new rest to come."""
        step = step_of(self.conversations, state)
        if step is not None and step.arrive is not None:
            scene = replace(self.scene, data=state.data)
            state = replace(state, data={**state.data, **await step.arrive(self.session, scene)})
        is_open = step is not None and not step.is_end
        expires_at = self.scene.now + self.conversations[state.conversation].lasts
        moved = replace(
            state, is_open=is_open, expires_at=expires_at, last_update_id=self.update_id
        )
        return await self.store.save(self.session, moved)


def _history(state: ConversationState, target: str) -> tuple[str, ...]:
    """Give the way back from `target`; a step that is come to again shortens it."""
    way = (*state.history, f"{state.conversation}/{state.step}")
    return way[: way.index(target)] if target in way else way
