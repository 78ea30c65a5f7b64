"""Buttons of a step.

State is committed before anything is shown: a tap that comes again moves nobody twice and is
shown where the person is.
"""

from dataclasses import dataclass

from telegram import Update

import locales
from handlers.context import Context
from handlers.engine.acting import acted
from handlers.engine.model import Aside, Scene, place
from handlers.engine.rendering import LANGUAGE, SHOW, aside_view
from handlers.engine.session import at, moving, read, scene_of, shown_at
from handlers.engine.transitions import CANCEL, CANCELLED, step_of
from handlers.screen.text import label
from handlers.screen.view import show
from services.conversations import EXPIRED, ConversationChangedError, ConversationState


@dataclass(frozen=True)
class Pressed:
    """A button of a step, and the version of the step it was shown with."""

    dialog: str
    step: str
    version: int
    key: str

    def fits(self, state: ConversationState) -> bool:
        """Tell whether the button belongs to the step somebody is at."""
        return (self.dialog, self.step, self.version) == (
            state.conversation,
            state.step,
            state.version,
        )


async def on_press(update: Update, context: Context, parts: list[str]) -> str | None:
    """Do what a step's button says: ``[conversation, step, version, key]``."""
    scene = scene_of(update, context)
    if scene is None or len(parts) != 4 or not parts[2].isdecimal():
        return None
    pressed = Pressed(parts[0], parts[1], int(parts[2]), parts[3])
    if pressed.key.startswith(LANGUAGE):
        return await _turn(update, context, pressed.key.removeprefix(LANGUAGE))
    try:
        state, is_good = await _press(update, context, scene, pressed)
    except ConversationChangedError:  # another process took the same tap
        state, is_good = await read(update, context, scene), False
    if state is None:
        return None
    if not is_good and not state.is_open and pressed.version + 1 != state.version:
        return label(scene.language, "This conversation is over. Send /guide to begin one.")
    aside = _aside(context, state, pressed)
    shown = aside_view(state, aside, at(scene, state)) if aside else shown_at(context, scene, state)
    await show(update, context, shown)
    await _finish(context, at(scene, state), state, pressed)
    if is_good or state.step == EXPIRED:
        return ""
    return label(scene.language, "This button is from an earlier step. Here is where you are now.")


async def _press(
    update: Update, context: Context, scene: Scene, pressed: Pressed
) -> tuple[ConversationState | None, bool]:
    """Give where the person is after the tap, and whether the tap belonged to their step."""
    async with moving(update, context, scene) as (mover, state):
        if state is None:
            return None, False
        is_good = state.last_update_id == update.update_id
        choice = None
        if mover.is_over(state):
            state, is_good = await mover.expire(state), True
        elif pressed.fits(state) and not is_good:
            choice = mover.choice(state, pressed.key) if state.is_open else None
            moved = None
            if state.is_open and (choice is None or choice.act is None):
                moved = await mover.press(state, pressed.key)
            is_good = choice is not None or moved is not None or _stays(context, state, pressed)
            state = moved or state
    if choice is not None and choice.act is not None:
        state = await acted(update, context, scene, state, choice, choice.act)
    context.services.conversations.remember(state)
    return state, is_good


async def _finish(
    context: Context, scene: Scene, state: ConversationState, pressed: Pressed
) -> None:
    """Do what follows the move this update made, also when the update comes again."""
    dialog = context.conversations.get(pressed.dialog)
    step = dialog.steps.get(pressed.step) if dialog else None
    if step is None or state.last_update_id != scene.update_id:
        return
    if step.left is not None and pressed.key == CANCEL and state.step == CANCELLED:
        await step.left(context, scene)
    for choice in step.choices:
        led_there = place(choice.to, pressed.dialog) == (state.conversation, state.step)
        if choice.key == pressed.key and choice.after is not None and led_there:
            await choice.after(context, scene)


def _stays(context: Context, state: ConversationState, pressed: Pressed) -> bool:
    """Tell whether a button shows something without leaving its step."""
    return pressed.key == SHOW or _aside(context, state, pressed) is not None


def _aside(context: Context, state: ConversationState, pressed: Pressed) -> Aside | None:
    step = step_of(context.conversations, state)
    asides = step.asides if step and pressed.fits(state) else ()
    return next((aside for aside in asides if aside.key == pressed.key), None)


async def _turn(update: Update, context: Context, language: str) -> str | None:
    """Speak `language` from now on, and show the step in it."""
    services, user = context.services, update.effective_user
    if user is None or language not in locales.LANGUAGES:
        return None
    await services.people.choose_language(user.id, language, services.now())
    scene = scene_of(update, context)
    state = await read(update, context, scene) if scene else None
    if scene is None or state is None:
        return None
    await show(update, context, shown_at(context, scene, state))
    return label(language, "I will speak English with you.")
