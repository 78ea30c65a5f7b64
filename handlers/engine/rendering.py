"""How a step looks: its words, its buttons, and those that every step has."""

from functools import partial

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

import locales
from handlers.engine.model import InfoButton, Step, StepContext, StepText, resolve_target
from handlers.engine.transitions import (
    BACK,
    CANCEL,
    CANCELLED,
    Conversations,
    find_step,
    status_message_of,
)
from handlers.screen.text import Markup, label, say
from handlers.screen.view import View, button, view
from services.conversations import ConversationState

ROUTE = "dlg"
SHOW = "here"
"""Shows the step again; no choice may have such a key."""
LANGUAGE = "lang-"


def render_step(conversations: Conversations, state: ConversationState, ctx: StepContext) -> View:
    """Return the message of the step somebody is at."""
    step = find_step(conversations, state)
    if step is None:
        return _closed(conversations, state, ctx.language)
    rows = [
        [_own(state, label(ctx.language, choice.label, **ctx.data), choice.key)]
        for choice in step.buttons
        if choice.is_shown(ctx)
    ]
    asides = [
        _own(state, label(ctx.language, aside.label), aside.key) for aside in step.info_buttons
    ]
    rows += [asides[i : i + 2] for i in range(0, len(asides), 2)]
    rows += [_link(conversations, state, target, ctx.language) for target in step.links_at(ctx)]
    rows.append(_always(state, step, ctx.language))
    told = status_message_of(state)
    text = render_text(step.text, ctx)
    if told is not None:
        text = Markup(f"{say(ctx.language, told.text, **told.values)}\n\n{text}")
    shown = partial(step.on_shown, ctx) if step.on_shown else None
    return View((text,), InlineKeyboardMarkup(rows), shown)


def render_info(state: ConversationState, aside: InfoButton, ctx: StepContext) -> View:
    """Return what an aside says, with the way back to its step."""
    back = _own(state, label(ctx.language, "‹ Back to this step"), SHOW)
    return view(render_text(aside.text, ctx), [back])


def render_interruption(
    conversations: Conversations, state: ConversationState, wanted: tuple[str, str], language: str
) -> View:
    """Ask whether to go on with what is open or to begin what was asked for."""
    title = label(language, conversations[state.conversation].title)
    text = say(language, "You are in the middle of <b>{title}</b>.", title=title)
    dialog, step = wanted
    if dialog == state.conversation:
        anew = label(language, "🔄 Start over")
    else:
        new = label(language, conversations[dialog].title)
        anew = label(language, "🆕 Stop it and start: {title}", title=new)
    return view(
        text,
        [_own(state, label(language, "▶️ Continue: {title}", title=title), SHOW)],
        [button(anew, "anew", dialog, step)],
    )


def render_text(words: StepText, ctx: StepContext) -> Markup:
    """Return words as they are read now."""
    return say(ctx.language, words) if isinstance(words, str) else words(ctx)


def _closed(conversations: Conversations, state: ConversationState, language: str) -> View:
    dialog = conversations.get(state.conversation)
    if dialog is None:  # of a version that had other conversations
        return view(say(language, "This conversation is no longer here."), _all(language))
    title = label(language, dialog.title)
    if state.step == CANCELLED:
        text = say(
            language,
            "I stopped <b>{title}</b>. You can begin again whenever you like.",
            title=title,
        )
    else:
        text = say(
            language,
            "<b>{title}</b> rested for a long time, so I closed it. Shall we begin again?",
            title=title,
        )
    again = button(label(language, "▶️ Begin again: {title}", title=title), "do", dialog.name)
    return view(text, [again], _all(language))


def _own(state: ConversationState, text: str, key: str) -> InlineKeyboardButton:
    """Return a button that knows the step and version it belongs to."""
    return button(text, ROUTE, state.conversation, state.step, str(state.version), key)


def _link(
    conversations: Conversations, state: ConversationState, target: str, language: str
) -> list[InlineKeyboardButton]:
    dialog = conversations[target.partition("/")[0]]
    parts = resolve_target(target, state.conversation) if "/" in target else (target,)
    step = dialog.steps[parts[1]] if len(parts) > 1 else None
    title = label(language, (step and step.title) or dialog.title)
    plain = title[:1].isalnum()  # else a picture of its own stands before it
    text = label(language, "▶️ {title}", title=title) if plain else title
    return [button(text, "do", *parts)]


def _always(state: ConversationState, step: Step, language: str) -> list[InlineKeyboardButton]:
    """Return the row that every step has."""
    other = locales.other(language)
    turn = _own(state, label(other, "🌐 English"), LANGUAGE + other)
    if step.is_end:
        return [*_all(language), turn]
    row = [_own(state, label(language, "‹ Back"), BACK)] if state.history else []
    return [*row, _own(state, label(language, "✖️ Cancel"), CANCEL), turn]


def _all(language: str) -> list[InlineKeyboardButton]:
    return [button(label(language, "🧭 All guides"), "guides", language)]
