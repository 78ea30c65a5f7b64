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
from services.conversations import Dialogs, DialogState

BACK, CANCEL = "back", "cancel"
CANCELLED = "(cancelled)"
"""The step a conversation is at that was left; no declared step has such a name."""

_TOLD = "(told)"
"""Among what is kept: the line above the step; nothing that a step keeps has such a name."""

Conversations = Mapping[str, Dialog]


def step_of(conversations: Conversations, state: DialogState) -> Step | None:
    """Give the step somebody is at; `None` for one that is declared no more."""
    dialog = conversations.get(state.dialog)
    return None if dialog is None else dialog.steps.get(state.step)


def told_at(state: DialogState) -> Told | None:
    """Give the line above the step somebody is at."""
    return Told(**json.loads(state.data[_TOLD])) if _TOLD in state.data else None


def without_told(state: DialogState) -> DialogState:
    """Give where somebody is without the line above it."""
    return replace(state, data={k: v for k, v in state.data.items() if k != _TOLD})


@dataclass(frozen=True)
class Mover:
    """Carries out one update's move.

    :ivar update_id: which update it is.
    """

    conversations: Conversations
    dialogs: Dialogs
    session: AsyncSession
    scene: Scene
    update_id: int

    async def begin(self, before: DialogState | None, target: tuple[str, str]) -> DialogState:
        """Begin a conversation at a step, in place of whatever was before.

        :raises DialogChangedError: when somebody else moved it meanwhile.
        """
        dialog, step = target
        version = before.version if before else 0
        blank = DialogState(
            self.scene.chat_id, self.scene.user_id, dialog, step, self.scene.now, version=version
        )
        return await self._save(blank)

    async def press(self, state: DialogState, key: str) -> DialogState | None:
        """Do what a button of the step says; `None` for a button it does not have.

        A choice that works in transactions of its own is for `follow`.

        :raises DialogChangedError: when somebody else moved it meanwhile.
        """
        if key == CANCEL:
            left = replace(state, step=CANCELLED, trail=(), data={}, is_open=False)
            return await self._save(left)
        if key == BACK and state.trail:
            dialog, name = place(state.trail[-1], state.dialog)
            before = replace(state, dialog=dialog, step=name, trail=state.trail[:-1])
            return await self._save(without_told(before))
        choice = self.choice(state, key)
        return None if choice is None else await self._go(state, choice, {})

    def choice(self, state: DialogState, key: str) -> Choice | None:
        """Give the choice that a button of the step stands for, where it is there."""
        step = step_of(self.conversations, state)
        scene = replace(self.scene, data=state.data)
        choices = step.choices if step else ()
        return next((c for c in choices if c.key == key and c.is_shown(scene)), None)

    async def entered(self, state: DialogState, secret: Secret[Value], value: Value) -> DialogState:
        """Do what something secret leads to in the transaction of the move.

        :raises DialogChangedError: when somebody else moved it meanwhile.
        """
        assert secret.effect is not None
        scene = replace(self.scene, data=state.data)
        return await self.follow(state, secret, await secret.effect(self.session, value, scene))

    async def follow(self, state: DialogState, way: Way, outcome: Outcome) -> DialogState:
        """Go where something led.

        :raises DialogChangedError: when somebody else moved it meanwhile.
        :raises UndeclaredError: to a place that the way does not name.
        """
        target = place(outcome.to, state.dialog)
        declared = {place(each, state.dialog) for each in (way.to, *way.others)}
        if target not in declared | {(state.dialog, state.step)}:
            raise UndeclaredError(f"{state.dialog}/{state.step} leads to {outcome.to}")
        data = {k: v for k, v in state.data.items() if k not in (*outcome.forget, _TOLD)}
        data |= outcome.kept
        if outcome.told is not None:
            data[_TOLD] = json.dumps(asdict(outcome.told), ensure_ascii=False)
        dialog, step = target
        trail = () if outcome.is_one_way else _trail(state, f"{dialog}/{step}")
        return await self._save(replace(state, dialog=dialog, step=step, trail=trail, data=data))

    async def typed(self, state: DialogState, text: str) -> DialogState | None:
        """Take what was typed; `None` where the step did not ask for it.

        :raises NotTakenError: when it is meant for the step but cannot be taken.
        :raises DialogChangedError: when somebody else moved it meanwhile.
        """
        step = step_of(self.conversations, state)
        if step is None or step.typed is None:
            return None
        kept = step.typed.read(text, replace(self.scene, data=state.data))
        if kept is None:
            return None
        return await self._go(state, step.typed, kept)

    def is_over(self, state: DialogState) -> bool:
        """Tell whether an open conversation has to be closed: rested too long, or no longer here.

        A step may be declared no more when a new version of the bot is started.
        """
        is_here = step_of(self.conversations, state) is not None
        return state.is_open and (state.is_expired(self.scene.now) or not is_here)

    async def expire(self, state: DialogState) -> DialogState:
        """Close a conversation that rested too long.

        :raises DialogChangedError: when somebody else moved it meanwhile.
        """
        closed = replace(state.expire(), moved_by=self.update_id)
        return await self.dialogs.save(self.session, closed)

    async def _go(
        self, state: DialogState, way: Choice | Typed, kept: Mapping[str, str]
    ) -> DialogState:
        outcome = Outcome(way.to, kept)
        if way.effect is not None:
            scene = replace(self.scene, data={**state.data, **kept})
            given = await way.effect(self.session, scene)
            led = given if isinstance(given, Outcome) else Outcome(way.to, given)
            outcome = replace(led, kept={**kept, **led.kept})
        return await self.follow(state, way, outcome)

    async def _save(self, state: DialogState) -> DialogState:
        """Write where somebody is now, with a new rest to come."""
        step = step_of(self.conversations, state)
        if step is not None and step.arrive is not None:
            scene = replace(self.scene, data=state.data)
            state = replace(state, data={**state.data, **await step.arrive(self.session, scene)})
        is_open = step is not None and not step.is_end
        expires_at = self.scene.now + self.conversations[state.dialog].lasts
        moved = replace(state, is_open=is_open, expires_at=expires_at, moved_by=self.update_id)
        return await self.dialogs.save(self.session, moved)


def _trail(state: DialogState, target: str) -> tuple[str, ...]:
    """Give the way back from `target`; a step that is come to again shortens it."""
    way = (*state.trail, f"{state.dialog}/{state.step}")
    return way[: way.index(target)] if target in way else way
