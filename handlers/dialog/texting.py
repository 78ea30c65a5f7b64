"""Messages while a step is open: what it asked for, pasted texts, and everything in between."""

from contextlib import suppress

from telegram import Update

from handlers.context import Context
from handlers.dialog.declaration import NotTakenError, Scene
from handlers.dialog.moves import step_of
from handlers.dialog.scenes import (
    at,
    current,
    moving,
    open_scene,
    peek,
    shown_at,
    text_of,
)
from handlers.dialog.words import say
from handlers.view import send, view
from services.dialogs import DialogChangedError, DialogState


async def on_text(update: Update, context: Context) -> bool:
    """Take a text as what the open step asked for; `False` where it is something else."""
    scene = open_scene(update, context)
    if scene is None:
        return False
    try:
        state = await _typed(update, context, scene)
    except NotTakenError as error:
        await send(update, context, view(say(scene.language, error.message)))
        return True  # the step follows, as after a question
    except DialogChangedError:  # another process took the same message
        state = await peek(update, context, scene)
    if state is None:
        return await _explain(update, context, scene)
    context.services.dialogs.remember(state)
    context.step_shown = True
    await send(update, context, shown_at(context, scene, state))
    return True


async def _typed(update: Update, context: Context, scene: Scene) -> DialogState | None:
    """Give where the person is after what they typed; `None` where the step wants none of it."""
    async with moving(update, context, scene) as (mover, state):
        if state is None or state.moved_by == update.update_id:
            return state
        if not state.is_open or mover.is_over(state):
            return None
        return await mover.typed(state, text_of(update))


async def _explain(update: Update, context: Context, scene: Scene) -> bool:
    """Say what a text pasted from the page means, where that is known."""
    state = await peek(update, context, scene)
    if state is None or not state.is_open or state.is_expired(scene.now):
        return False
    dialog = context.conversations.get(state.dialog)
    explained = dialog.explain(text_of(update), scene.language) if dialog else None
    if explained is None:
        return False
    await send(update, context, view(explained))
    return True


async def is_asked_for(update: Update, context: Context) -> bool:
    """Tell whether a text is what the open step asked for, such as a date."""
    scene = open_scene(update, context)
    state = await peek(update, context, scene) if scene else None
    step = step_of(context.conversations, state) if state and state.is_open else None
    if scene is None or state is None or step is None or step.typed is None:
        return False
    if state.is_expired(scene.now):
        return False
    with suppress(NotTakenError):
        return step.typed.read(text_of(update), at(scene, state)) is not None
    return False


async def after(update: Update, context: Context) -> None:
    """After a message of any other kind was answered, show the open step again below."""
    if not context.step_shown:
        await show_again(update, context)


async def show_again(update: Update, context: Context) -> None:
    """Send the open step anew, or say that it rested too long."""
    shown = await current(update, context)
    if shown is not None:
        context.step_shown = True
        await send(update, context, shown)
