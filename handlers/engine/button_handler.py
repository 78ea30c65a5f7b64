"""Buttons of a step.

The state is committed before anything is shown: a tap that comes again changes nothing twice, and
shows the step the person is at.
"""

from dataclasses import dataclass

from telegram import Update

import locales
from handlers.context import Context
from handlers.engine.model import ButtonTransition, InfoButton, Step, resolve_target
from handlers.engine.rendering import LANGUAGE, SHOW, render_info
from handlers.engine.session import ConversationSession, conversation_session
from handlers.engine.transitions import CANCEL, CANCELLED, find_step
from handlers.screen.text import Markup, label
from handlers.screen.view import show
from services.conversations import EXPIRED, FINISHED, ConversationState


@dataclass(frozen=True)
class StepButton:
    """A pressed button of a step, with the version of the conversation it was shown with."""

    conversation: str
    step: str
    version: int
    key: str

    def belongs_to(self, state: ConversationState) -> bool:
        """Whether the button belongs to the step the person is at."""
        shown_with = (self.conversation, self.step, self.version)
        return shown_with == (state.conversation, state.step, state.version)


async def on_step_button(update: Update, context: Context, parts: list[str]) -> str | None:
    """Handle a step's button ``[conversation, step, version, key]``."""
    session = conversation_session(update, context)
    if session is None or len(parts) != 4 or not parts[2].isdecimal():
        return None
    pressed = StepButton(parts[0], parts[1], int(parts[2]), parts[3])
    if pressed.key.startswith(LANGUAGE):
        return await _change_language(update, context, pressed.key.removeprefix(LANGUAGE))
    is_current = await _press(session, pressed)
    state, language = session.state, session.context.language
    if state is None:
        return None
    if not is_current and not state.is_open and pressed.version + 1 != state.version:
        return label(language, "This conversation has ended. Send /guide to start again.")
    info = _find_info(session, state, pressed)
    closing_text = await _leave(context, session, pressed)
    shown = render_info(state, info, session.step_context()) if info else None
    shown = shown or session.render(closing_text)
    await show(update, context, shown)
    await _run_hooks(context, session, pressed)
    if is_current or state.step in (EXPIRED, FINISHED):
        return ""
    return label(language, "This button is from an earlier step. Here is your current step.")


async def _press(session: ConversationSession, pressed: StepButton) -> bool:
    """Do what the button says; return whether it belonged to the step the person was at."""
    is_current = False
    button: ButtonTransition | None = None
    async with session.transaction() as machine:
        state = session.state
        if state is None:
            return False
        if session.is_over(state):
            session.state = await machine.expire(state)
            return True
        if session.is_replay:
            return True
        if session.is_superseded:
            return False
        if pressed.belongs_to(state):
            button = machine.find_button(state, pressed.key) if state.is_open else None
            moved = None
            if state.is_open and (button is None or button.action is None):
                moved = await machine.press_button(state, pressed.key)
            is_current = button is not None or moved is not None
            is_current = is_current or _stays(session, state, pressed)
            session.state = moved or state
    if session.is_overtaken:
        return False
    if button is not None and button.action is not None:
        await session.run_action(button, button.action)
        return not session.is_overtaken
    return is_current


async def _leave(
    context: Context, session: ConversationSession, pressed: StepButton
) -> Markup | None:
    """Run what follows Cancel, also when the update comes again, and return what to say of it."""
    step, state = _pressed_step(session, pressed), session.state
    if step is None or step.on_leave is None or state is None or not session.is_replay:
        return None
    if pressed.key != CANCEL or state.step != CANCELLED:
        return None
    return await step.on_leave(context, session.step_context())


async def _run_hooks(context: Context, session: ConversationSession, pressed: StepButton) -> None:
    """Run what follows the transition of this update, also when the update comes again."""
    step, state, ctx = _pressed_step(session, pressed), session.state, session.step_context()
    if step is None or state is None or not session.is_replay:
        return
    here = (state.conversation, state.step)
    for button in step.buttons:
        is_here = resolve_target(button.target, pressed.conversation) == here
        if button.key == pressed.key and button.after_commit is not None and is_here:
            await button.after_commit(context, ctx)


def _pressed_step(session: ConversationSession, pressed: StepButton) -> Step | None:
    conversation = session.conversations.get(pressed.conversation)
    return conversation.steps.get(pressed.step) if conversation else None


def _stays(session: ConversationSession, state: ConversationState, pressed: StepButton) -> bool:
    """Whether a button shows something without leaving its step."""
    return pressed.key == SHOW or _find_info(session, state, pressed) is not None


def _find_info(
    session: ConversationSession, state: ConversationState, pressed: StepButton
) -> InfoButton | None:
    step = find_step(session.conversations, state)
    buttons = step.info_buttons if step and pressed.belongs_to(state) else ()
    return next((button for button in buttons if button.key == pressed.key), None)


async def _change_language(update: Update, context: Context, language: str) -> str | None:
    """Speak `language` from now on, and show the step in it."""
    services, user = context.services, update.effective_user
    if user is None or language not in locales.LANGUAGES:
        return None
    await services.languages.choose(user.id, language, services.now())
    context.conversation_session = None  # it was built in the language before
    session = conversation_session(update, context)
    state = await session.load_and_expire() if session else None
    if session is None or state is None:
        return None
    await show(update, context, session.render())
    return label(language, "I'll use English now.")
