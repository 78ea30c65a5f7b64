"""How a step looks: its words, its buttons, and those that every step has."""

from functools import partial

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

import locales
from handlers.engine.model import Aside, Scene, Step, Words, place
from handlers.engine.transitions import BACK, CANCEL, CANCELLED, Conversations, step_of, told_at
from handlers.screen.text import Markup, label, say
from handlers.screen.view import View, button, view
from services.conversations import ConversationState

ROUTE = "dlg"
SHOW = "here"
"""Shows the step again; no choice may have such a key."""
LANGUAGE = "lang-"


def step_view(conversations: Conversations, state: ConversationState, scene: Scene) -> View:
    """Give the message of the step somebody is at."""
    step = step_of(conversations, state)
    if step is None:
        return _closed(conversations, state, scene.language)
    rows = [
        [_own(state, label(scene.language, choice.label, **scene.data), choice.key)]
        for choice in step.choices
        if choice.is_shown(scene)
    ]
    asides = [_own(state, label(scene.language, aside.label), aside.key) for aside in step.asides]
    rows += [asides[i : i + 2] for i in range(0, len(asides), 2)]
    rows += [_link(conversations, state, target, scene.language) for target in step.links_at(scene)]
    rows.append(_always(state, step, scene.language))
    told = told_at(state)
    text = words_of(step.words, scene)
    if told is not None:
        text = Markup(f"{say(scene.language, told.message, **told.values)}\n\n{text}")
    shown = partial(step.shown, scene) if step.shown else None
    return View((text,), InlineKeyboardMarkup(rows), shown)


def aside_view(state: ConversationState, aside: Aside, scene: Scene) -> View:
    """Give what an aside says, with the way back to its step."""
    back = _own(state, label(scene.language, "‹ Back to this step"), SHOW)
    return view(words_of(aside.words, scene), [back])


def interrupted(
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


def words_of(words: Words, scene: Scene) -> Markup:
    """Give words as they are read now."""
    return say(scene.language, words) if isinstance(words, str) else words(scene)


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
    """Give a button that knows the step and version it belongs to."""
    return button(text, ROUTE, state.conversation, state.step, str(state.version), key)


def _link(
    conversations: Conversations, state: ConversationState, target: str, language: str
) -> list[InlineKeyboardButton]:
    dialog = conversations[target.partition("/")[0]]
    parts = place(target, state.conversation) if "/" in target else (target,)
    step = dialog.steps[parts[1]] if len(parts) > 1 else None
    title = label(language, (step and step.title) or dialog.title)
    plain = title[:1].isalnum()  # else a picture of its own stands before it
    text = label(language, "▶️ {title}", title=title) if plain else title
    return [button(text, "do", *parts)]


def _always(state: ConversationState, step: Step, language: str) -> list[InlineKeyboardButton]:
    """Give the row that every step has."""
    other = locales.other(language)
    turn = _own(state, label(other, "🌐 English"), LANGUAGE + other)
    if step.is_end:
        return [*_all(language), turn]
    row = [_own(state, label(language, "‹ Back"), BACK)] if state.history else []
    return [*row, _own(state, label(language, "✖️ Cancel"), CANCEL), turn]


def _all(language: str) -> list[InlineKeyboardButton]:
    return [button(label(language, "🧭 All guides"), "guides", language)]
