"""Messages while a step is open: what it asks for, pasted texts, and everything in between."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from telegram import Message, Update

from handlers import lost_card
from handlers.context import Context
from handlers.engine.button_handler import on_step_button
from handlers.engine.model import InputRejectedError, SecretInput, StepContext
from handlers.engine.rendering import render_stop_question
from handlers.engine.session import (
    ConversationSession,
    is_goal_reached,
    open_session,
    open_view,
    text_of_message,
)
from handlers.engine.transitions import BACK, CANCEL, find_step
from handlers.screen.deletion import ask_to_delete, delete_incoming_message
from handlers.screen.text import say
from handlers.screen.view import send, view
from services.conversations import ConversationState
from services.formats.text_cleaning import plain_words
from services.secret_detection import SecretShape

_STOP_WORDS = frozenset({
    "stop", "quit", "exit", "never mind", "nevermind", "停止", "不要了", "算了",
    "hủy", "huỷ", "hủy bỏ", "batal", "batalkan", "ยกเลิก",
})  # fmt: skip
"""Words for leaving, some of which may also mean the card."""
TYPED_BUTTONS: Mapping[str, str] = {
    **dict.fromkeys(("cancel", "取消", *_STOP_WORDS), CANCEL),
    **dict.fromkeys(("back", "go back", "返回", "上一步", "回上一步"), BACK),
}
"""What is typed in place of a step's own buttons."""


def button_for(text: str) -> str | None:
    """Return the key of the button that is typed in place of being pressed."""
    return TYPED_BUTTONS.get(plain_words(text))


async def on_step_text(update: Update, context: Context) -> bool:
    """Take a text as the input of the open step; `False` where it is something else."""
    session = open_session(update, context)
    if session is None:
        return False
    key = button_for(text_of_message(update))
    if key is not None:
        return await _ask_before_stop(update, context, session) or await press_step_button(
            update, context, key
        )
    try:
        is_taken = await _submit(update, context, session)
    except InputRejectedError as error:
        await send(update, context, view(say(session.context.language, error.message)))
        return True  # the step follows, as after a question
    if not is_taken:
        return await _explain(update, context, session)
    context.step_shown = True
    await send(update, context, session.render())
    return True


async def _ask_before_stop(update: Update, context: Context, session: ConversationSession) -> bool:
    """Ask what *stop* means at a step where it may mean the card; return whether that was asked."""
    if plain_words(text_of_message(update)) not in _STOP_WORDS:
        return False
    state = await session.load()
    if state is None or not state.is_open or session.is_over(state):
        return False
    question = render_stop_question(session.conversations, state, session.step_context())
    if question is None:
        return False
    context.step_shown = True
    await send(update, context, question)
    return True


async def press_step_button(update: Update, context: Context, key: str) -> bool:
    """Do what a button of the open step does; `False` where none is open."""
    session = open_session(update, context)
    state = await session.load() if session else None
    if session is None or state is None or not (state.is_open or session.is_replay):
        return False
    context.step_shown = True
    parts = [state.conversation, state.step, str(state.version), key]
    await on_step_button(update, context, parts)
    return True


async def on_cancel(update: Update, context: Context) -> None:
    """/cancel leaves the open conversation."""
    if not await press_step_button(update, context, CANCEL):
        await say_nothing_open(update, context)


async def say_nothing_open(update: Update, context: Context) -> None:
    """Say so, to who wants to leave or go back."""
    language = context.language(update)
    nothing = say(
        language,
        "There's nothing to cancel. Send /guide to start something, or just type your question.",
    )
    await send(update, context, view(nothing, [lost_card.lost_card_button(language)]))


async def _submit(update: Update, context: Context, session: ConversationSession) -> bool:
    """Hand a text to the open step; return whether the step took it."""
    state = await session.load()
    if state is None:
        return False
    step = find_step(session.conversations, state)
    is_again = session.is_replay or session.is_superseded
    if not is_again and (step is None or not state.is_open or session.is_over(state)):
        return False
    if is_confidential := _asks_for_secrets(session, state):
        context.services.mark_secret(update.update_id)
    if is_again or step is None:
        return await _take_again(update, context, session)
    if step.secret_input is not None:
        return await _submit_secret(update, context, session, step.secret_input)
    context.is_confidential = is_confidential
    if step.text_input is None:
        return False
    async with session.transaction() as machine:
        session.state = await machine.submit_text(state, text_of_message(update)) or state
    return session.is_overtaken or session.state is not state


async def _take_again(update: Update, context: Context, session: ConversationSession) -> bool:
    """Take a text that comes again, and whose step took it if it led on."""
    is_secret = context.services.secret_detector.find(text_of_message(update)) is not None
    if is_secret:
        await _delete(update, context)  # where that failed, the person may not have been asked to
    return is_secret or session.is_replay


def _asks_for_secrets(session: ConversationSession, state: ConversationState) -> bool:
    """Whether something secret is typed in a conversation; here it may come once more."""
    conversation = session.conversations.get(state.conversation)
    return conversation is not None and any(s.secret_input for s in conversation.steps.values())


async def _submit_secret(
    update: Update, context: Context, session: ConversationSession, secret: SecretInput[Any]
) -> bool:
    """Take something secret: it is gone from the chat before anything is done with it."""
    try:
        value = secret.read(text_of_message(update), session.step_context())
    except InputRejectedError:
        await _delete(update, context)
        raise
    if value is None:
        context.is_confidential = True
        return False
    is_deleted = await _try_to_delete(update)
    state = session.state
    assert state is not None
    if secret.action is not None:
        await session.run_action(secret, partial(secret.action, value))
    else:
        async with session.transaction() as machine:
            session.state = await machine.submit_secret(state, secret, value)
    if not is_deleted:
        await ask_to_delete(update, context)
    return True


async def _delete(update: Update, context: Context) -> None:
    if not await _try_to_delete(update):
        await ask_to_delete(update, context)


async def _try_to_delete(update: Update) -> bool:
    message = update.effective_message
    return not isinstance(message, Message) or await delete_incoming_message(message)


async def _explain(update: Update, context: Context, session: ConversationSession) -> bool:
    """Say what a text pasted from the page means, where that is known."""
    state = await session.load()
    if state is None or not state.is_open or state.is_expired(session.context.now):
        return False
    conversation = session.conversations.get(state.conversation)
    language = session.context.language
    explanation = conversation.explain(text_of_message(update), language) if conversation else None
    if explanation is None:
        return False
    is_elsewhere = state.conversation != lost_card.CONVERSATION
    offers_lost_card = explanation.is_code_refused and is_elsewhere
    rows = [[lost_card.lost_card_button(language)]] if offers_lost_card else []
    await send(update, context, view(explanation.text, *rows))
    return True


async def is_expected_input(update: Update, context: Context, shape: SecretShape) -> bool:
    """Return whether a text that looks like a secret is what the open step asks for.

    A date in digits looks like a PIN; a step for a secret asks for just that.
    """
    session, message = open_session(update, context), update.effective_message
    if session is None or not isinstance(message, Message):
        return False
    if message.text is None or message.text.startswith("/"):
        return False  # words under a picture are no answer, nor are those behind a command
    state = await session.load()
    step = find_step(session.conversations, state) if state and state.is_open else None
    if state is None or step is None or state.is_expired(session.context.now):
        return False
    if session.is_replay or session.is_superseded:
        return True  # it was, and comes again
    ctx = session.step_context()
    if step.secret_input is not None:
        return _accepts(step.secret_input.read, message.text, ctx)
    if step.text_input is None or shape is not SecretShape.CODE_OR_PIN:
        return False
    with suppress(InputRejectedError):
        return step.text_input.read(message.text, ctx) is not None
    return False


async def is_secret_input(update: Update, context: Context) -> bool:
    """Return whether a text is the secret that the open step asks for, whatever it looks like."""
    session = open_session(update, context)
    state = await session.load() if session else None
    if session is None or state is None or not state.is_open:
        return False
    step = find_step(session.conversations, state)
    if step is None or step.secret_input is None:
        return False
    return _accepts(step.secret_input.read, text_of_message(update), session.step_context())


def _accepts(read: Callable[[str, StepContext], object], text: str, ctx: StepContext) -> bool:
    try:
        return read(text, ctx) is not None
    except InputRejectedError:
        return True


async def after_message(update: Update, context: Context) -> None:
    """After a message of any other kind was answered, show the open step again below."""
    if not context.step_shown:
        await show_again(update, context)


async def awaits_an_answer(update: Update, context: Context) -> bool:
    """Return whether a step is open that has not reached its goal."""
    is_open = open_session(update, context) is not None
    return is_open and not await is_goal_reached(update, context)


async def show_again(update: Update, context: Context) -> None:
    """Send the open step again, or say that it timed out.

    A result that was shown is not sent again.
    """
    shown = await open_view(update, context)
    if shown is not None and not await is_goal_reached(update, context):
        context.step_shown = True
        await send(update, context, shown)
