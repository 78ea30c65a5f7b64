"""Moving from step to step: every change of state, in one transaction with its effect.

No Telegram here: who is where goes in, where they are now comes out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.dialog.declaration import Choice, Dialog, Effect, Scene, Step, place
from services.dialogs import Dialogs, DialogState

BACK, CANCEL = "back", "cancel"
CANCELLED = "(cancelled)"
"""The step a conversation is at that was left; no declared step has such a name."""

Conversations = Mapping[str, Dialog]


def step_of(conversations: Conversations, state: DialogState) -> Step | None:
    """Give the step somebody is at; `None` for one that is declared no more."""
    dialog = conversations.get(state.dialog)
    return None if dialog is None else dialog.steps.get(state.step)


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

        :raises DialogChangedError: when somebody else moved it meanwhile.
        """
        step = step_of(self.conversations, state)
        if key == CANCEL:
            left = replace(state, step=CANCELLED, trail=(), data={}, is_open=False)
            return await self._save(left)
        if key == BACK and state.trail:
            dialog, name = place(state.trail[-1], state.dialog)
            return await self._save(
                replace(state, dialog=dialog, step=name, trail=state.trail[:-1])
            )
        choice = _choice(step, key)
        return None if choice is None else await self._go(state, choice.to, choice.effect, {})

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
        return await self._go(state, step.typed.to, step.typed.effect, kept)

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
        self, state: DialogState, to: str, effect: Effect | None, kept: Mapping[str, str]
    ) -> DialogState:
        data = {**state.data, **kept}
        if effect is not None:
            data |= await effect(self.session, replace(self.scene, data=data))
        dialog, step = place(to, state.dialog)
        trail = _trail(state, f"{dialog}/{step}")
        return await self._save(replace(state, dialog=dialog, step=step, trail=trail, data=data))

    async def _save(self, state: DialogState) -> DialogState:
        """Write where somebody is now, with a new rest to come."""
        step = step_of(self.conversations, state)
        is_open = step is not None and not step.is_end
        expires_at = self.scene.now + self.conversations[state.dialog].lasts
        moved = replace(state, is_open=is_open, expires_at=expires_at, moved_by=self.update_id)
        return await self.dialogs.save(self.session, moved)


def _choice(step: Step | None, key: str) -> Choice | None:
    choices = step.choices if step else ()
    return next((choice for choice in choices if choice.key == key), None)


def _trail(state: DialogState, target: str) -> tuple[str, ...]:
    """Give the way back from `target`; a step that is come to again shortens it."""
    way = (*state.trail, f"{state.dialog}/{state.step}")
    return way[: way.index(target)] if target in way else way
