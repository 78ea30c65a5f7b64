"""Messages while a step is open: what it asked for, pasted texts, and everything in between."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from telegram import Message, Update

from handlers.context import Context
from handlers.engine.acting import run_action
from handlers.engine.button_handler import on_press
from handlers.engine.model import InputRejectedError, SecretInput, StepContext
from handlers.engine.session import (
    load,
    open_step_context,
    open_view,
    render,
    text_of_message,
    transaction,
    with_data,
)
from handlers.engine.transitions import BACK, CANCEL, find_step
from handlers.screen.deletion import ask_to_delete, delete_message
from handlers.screen.text import say
from handlers.screen.view import send, view
from services.conversations import ConversationChangedError, ConversationState
from services.secret_shapes import Shape

_BUTTONS: Mapping[str, str] = {
    **dict.fromkeys(("cancel", "取消"), CANCEL),
    **dict.fromkeys(("back", "go back", "返回", "上一步", "回上一步"), BACK),
}
"""What is typed in place of a step's own buttons."""


def button_for(text: str) -> str | None:
    """Give the key of the button that is typed in place of being pressed."""
    return _BUTTONS.get(text.strip(" 。.!！").casefold())


async def on_text(update: Update, context: Context) -> bool:
    """Take a text as what the open step asked for; `False` where it is something else."""
    ctx = open_step_context(update, context)
    if ctx is None:
        return False
    key = button_for(text_of_message(update))
    if key is not None:
        return await press_button(update, context, key)
    try:
        state = await _typed(update, context, ctx)
    except InputRejectedError as error:
        await send(update, context, view(say(ctx.language, error.message)))
        return True  # the step follows, as after a question
    except ConversationChangedError:  # another process took the same message
        state = await load(update, context, ctx)
    if state is None:
        return await _explain(update, context, ctx)
    context.services.conversations.remember(state)
    context.step_shown = True
    await send(update, context, render(context, ctx, state))
    return True


async def press_button(update: Update, context: Context, key: str) -> bool:
    """Do what a button of the open step does; `False` where none is open."""
    ctx = open_step_context(update, context)
    state = await load(update, context, ctx) if ctx else None
    if state is None or not (state.is_open or state.last_update_id == update.update_id):
        return False
    context.step_shown = True
    await on_press(update, context, [state.conversation, state.step, str(state.version), key])
    return True


async def on_cancel(update: Update, context: Context) -> None:
    """/cancel leaves the open conversation."""
    if not await press_button(update, context, CANCEL):
        await say_nothing_open(update, context)


async def say_nothing_open(update: Update, context: Context) -> None:
    """Say so, to who wants to leave or go back."""
    language = context.language(update)
    nothing = say(language, "Nothing is under way. /guide begins something; or just ask me.")
    await send(update, context, view(nothing))


async def _typed(update: Update, context: Context, ctx: StepContext) -> ConversationState | None:
    """Give where the person is after what they typed; `None` where the step wants none of it."""
    async with transaction(update, context, ctx) as (mover, state):
        if state is None or state.last_update_id == update.update_id:
            return state
        if not state.is_open or mover.is_over(state):
            return None
        step = find_step(context.conversations, state)
        if step is None or step.secret_input is None:
            context.is_confidential = _asks_for_secrets(context, state)
            return await mover.submit_text(state, text_of_message(update))
    return await _taken(update, context, ctx, state, step.secret_input)


def _asks_for_secrets(context: Context, state: ConversationState) -> bool:
    """Tell whether something secret is typed in a conversation; here it may come once more."""
    dialog = context.conversations.get(state.conversation)
    return dialog is not None and any(step.secret_input for step in dialog.steps.values())


async def _taken(
    update: Update,
    context: Context,
    ctx: StepContext,
    state: ConversationState,
    secret: SecretInput[Any],
) -> ConversationState | None:
    """Take something secret: it is gone from the chat before anything is done with it."""
    try:
        value = secret.read(text_of_message(update), with_data(ctx, state))
    except InputRejectedError:
        await _erase(update, context)
        raise
    if value is None:
        context.is_confidential = True
        return None
    await _erase(update, context)
    if secret.action is not None:
        return await run_action(update, context, ctx, state, secret, partial(secret.action, value))
    async with transaction(update, context, ctx) as (mover, now):
        if now is None or now.version != state.version:
            raise ConversationChangedError
        return await mover.submit_secret(now, secret, value)


async def _erase(update: Update, context: Context) -> None:
    message = update.effective_message
    if isinstance(message, Message) and not await delete_message(message):
        await ask_to_delete(update, context)


async def _explain(update: Update, context: Context, ctx: StepContext) -> bool:
    """Say what a text pasted from the page means, where that is known."""
    state = await load(update, context, ctx)
    if state is None or not state.is_open or state.is_expired(ctx.now):
        return False
    dialog = context.conversations.get(state.conversation)
    explained = dialog.explain(text_of_message(update), ctx.language) if dialog else None
    if explained is None:
        return False
    await send(update, context, view(explained))
    return True


async def is_expected_input(update: Update, context: Context, shape: Shape) -> bool:
    """Tell whether a text that looks like a secret is what the open step asked for.

    A date in digits looks like a PIN; a step for a secret asks for just that.
    """
    ctx, message = open_step_context(update, context), update.effective_message
    if ctx is None or not isinstance(message, Message):
        return False
    if message.text is None or message.text.startswith("/"):
        return False  # words under a picture are no answer, nor are those behind a command
    state = await load(update, context, ctx)
    step = find_step(context.conversations, state) if state and state.is_open else None
    if state is None or step is None or state.is_expired(ctx.now):
        return False
    if state.last_update_id == update.update_id:
        return True  # it was, and comes again
    if step.secret_input is not None:
        return _is_for(step.secret_input.read, message.text, with_data(ctx, state))
    if step.text_input is None or shape is not Shape.CODE_OR_PIN:
        return False
    with suppress(InputRejectedError):
        return step.text_input.read(message.text, with_data(ctx, state)) is not None
    return False


def _is_for(read: Callable[[str, StepContext], object], text: str, ctx: StepContext) -> bool:
    try:
        return read(text, ctx) is not None
    except InputRejectedError:
        return True


async def after_message(update: Update, context: Context) -> None:
    """After a message of any other kind was answered, show the open step again below."""
    if not context.step_shown:
        await show_again(update, context)


async def show_again(update: Update, context: Context) -> None:
    """Send the open step anew, or say that it rested too long."""
    shown = await open_view(update, context)
    if shown is not None:
        context.step_shown = True
        await send(update, context, shown)
