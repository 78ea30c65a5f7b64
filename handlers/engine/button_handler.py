"""Buttons of a step.

State is committed before anything is shown: a tap that comes again moves nobody twice and is
shown where the person is.
"""

from dataclasses import dataclass

from telegram import Update

import locales
from handlers.context import Context
from handlers.engine.acting import run_action
from handlers.engine.model import InfoButton, StepContext, resolve_target
from handlers.engine.rendering import LANGUAGE, SHOW, render_info
from handlers.engine.session import (
    load_and_expire,
    make_step_context,
    render,
    transaction,
    with_data,
)
from handlers.engine.transitions import CANCEL, CANCELLED, find_step
from handlers.screen.text import label
from handlers.screen.view import show
from services.conversations import EXPIRED, ConversationChangedError, ConversationState


@dataclass(frozen=True)
class StepButton:
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
    ctx = make_step_context(update, context)
    if ctx is None or len(parts) != 4 or not parts[2].isdecimal():
        return None
    pressed = StepButton(parts[0], parts[1], int(parts[2]), parts[3])
    if pressed.key.startswith(LANGUAGE):
        return await _turn(update, context, pressed.key.removeprefix(LANGUAGE))
    try:
        state, is_good = await _press(update, context, ctx, pressed)
    except ConversationChangedError:  # another process took the same tap
        state, is_good = await load_and_expire(update, context, ctx), False
    if state is None:
        return None
    if not is_good and not state.is_open and pressed.version + 1 != state.version:
        return label(ctx.language, "This conversation is over. Send /guide to begin one.")
    aside = _aside(context, state, pressed)
    shown = (
        render_info(state, aside, with_data(ctx, state)) if aside else render(context, ctx, state)
    )
    await show(update, context, shown)
    await _finish(context, with_data(ctx, state), state, pressed)
    if is_good or state.step == EXPIRED:
        return ""
    return label(ctx.language, "This button is from an earlier step. Here is where you are now.")


async def _press(
    update: Update, context: Context, ctx: StepContext, pressed: StepButton
) -> tuple[ConversationState | None, bool]:
    """Give where the person is after the tap, and whether the tap belonged to their step."""
    async with transaction(update, context, ctx) as (mover, state):
        if state is None:
            return None, False
        is_good = state.last_update_id == update.update_id
        choice = None
        if mover.is_over(state):
            state, is_good = await mover.expire(state), True
        elif pressed.fits(state) and not is_good:
            choice = mover.find_button(state, pressed.key) if state.is_open else None
            moved = None
            if state.is_open and (choice is None or choice.action is None):
                moved = await mover.press_button(state, pressed.key)
            is_good = choice is not None or moved is not None or _stays(context, state, pressed)
            state = moved or state
    if choice is not None and choice.action is not None:
        state = await run_action(update, context, ctx, state, choice, choice.action)
    context.services.conversations.remember(state)
    return state, is_good


async def _finish(
    context: Context, ctx: StepContext, state: ConversationState, pressed: StepButton
) -> None:
    """Do what follows the move this update made, also when the update comes again."""
    dialog = context.conversations.get(pressed.dialog)
    step = dialog.steps.get(pressed.step) if dialog else None
    if step is None or state.last_update_id != ctx.update_id:
        return
    if step.on_leave is not None and pressed.key == CANCEL and state.step == CANCELLED:
        await step.on_leave(context, ctx)
    for choice in step.buttons:
        led_there = resolve_target(choice.target, pressed.dialog) == (
            state.conversation,
            state.step,
        )
        if choice.key == pressed.key and choice.after_commit is not None and led_there:
            await choice.after_commit(context, ctx)


def _stays(context: Context, state: ConversationState, pressed: StepButton) -> bool:
    """Tell whether a button shows something without leaving its step."""
    return pressed.key == SHOW or _aside(context, state, pressed) is not None


def _aside(context: Context, state: ConversationState, pressed: StepButton) -> InfoButton | None:
    step = find_step(context.conversations, state)
    asides = step.info_buttons if step and pressed.fits(state) else ()
    return next((aside for aside in asides if aside.key == pressed.key), None)


async def _turn(update: Update, context: Context, language: str) -> str | None:
    """Speak `language` from now on, and show the step in it."""
    services, user = context.services, update.effective_user
    if user is None or language not in locales.LANGUAGES:
        return None
    await services.people.choose_language(user.id, language, services.now())
    ctx = make_step_context(update, context)
    state = await load_and_expire(update, context, ctx) if ctx else None
    if ctx is None or state is None:
        return None
    await show(update, context, render(context, ctx, state))
    return label(language, "I will speak English with you.")
