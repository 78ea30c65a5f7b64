"""The view of a step: its text, its buttons, and the buttons that every step has."""

from functools import partial

from telegram import CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup

import locales
from handlers.desk.subscriber_texts import ask_row
from handlers.engine.model import InfoButton, Step, StepContext, StepText, resolve_target
from handlers.engine.transitions import (
    BACK,
    CANCEL,
    CANCELLED,
    Conversations,
    find_step,
    status_message_of,
)
from handlers.pictures import picture_button
from handlers.screen.text import Markup, label, say
from handlers.screen.view import View, button, view
from services.conversations import FINISHED, ConversationState

ROUTE = "dlg"
SHOW = "here"
"""The key that shows the step again; no declared button has it."""
LANGUAGE = "lang-"
"""The prefix of the keys that change the language."""


def render_step(
    conversations: Conversations,
    state: ConversationState,
    ctx: StepContext,
    closing_text: Markup | None = None,
) -> View:
    """Return the present step, or that the conversation is closed.

    :param closing_text: what to say of a closed conversation; `None` for the usual text.
    """
    step = find_step(conversations, state)
    if step is None:
        return _render_closed(conversations, state, ctx.language, closing_text)
    rows = [_link_row(conversations, state, link, ctx.language) for link in step.next_steps_at(ctx)]
    rows += _client_button_rows(step, ctx)
    rows += [
        [_step_button(state, label(ctx.language, each.label, **ctx.data), each.key)]
        for each in step.buttons
        if each.is_shown(ctx)
    ]
    picture_buttons = [picture_button(step.picture, ctx.language)] if step.picture else []
    info_buttons = [
        _step_button(state, label(ctx.language, each.label), each.key) for each in step.info_buttons
    ]
    info_buttons = picture_buttons + info_buttons
    rows += [info_buttons[i : i + 2] for i in range(0, len(info_buttons), 2)]
    rows += [_link_row(conversations, state, link, ctx.language) for link in step.links_at(ctx)]
    if ctx.offers_person:
        rows.append(ask_row(ctx.language))
    rows.append(_bottom_row(state, step, ctx.language))
    text = render_step_text(state, step, ctx)
    on_shown = partial(step.on_shown, ctx) if step.on_shown else None
    return View((text,), InlineKeyboardMarkup(rows), on_shown)


def render_info(state: ConversationState, info_button: InfoButton, ctx: StepContext) -> View:
    """Return the text of an info button, with a button back to its step."""
    back = _step_button(state, label(ctx.language, "‹ Back to this step"), SHOW)
    return view(render_text(info_button.text, ctx), [back])


def render_interruption(
    conversations: Conversations, state: ConversationState, target: tuple[str, str], language: str
) -> View:
    """Return the question whether to continue the open conversation or to start at `target`."""
    title = label(language, conversations[state.conversation].title)
    text = say(language, "You have not finished <b>{title}</b>.", title=title)
    conversation, step = target
    if conversation == state.conversation:
        restart = label(language, "🔄 Start over")
    else:
        new_title = label(language, conversations[conversation].title)
        restart = label(language, "🆕 Stop it and start: {title}", title=new_title)
    return view(
        text,
        [_step_button(state, label(language, "▶️ Continue: {title}", title=title), SHOW)],
        [button(restart, "anew", conversation, step, str(state.version))],
    )


def render_stop_question(
    conversations: Conversations, state: ConversationState, ctx: StepContext
) -> View | None:
    """Return the question whether *stop* means to leave; `None` at a step where it clearly does."""
    step = find_step(conversations, state)
    if step is None or step.stop_question is None:
        return None
    title = label(ctx.language, conversations[state.conversation].title)
    return view(
        render_text(step.stop_question, ctx),
        [_step_button(state, title, SHOW)],
        [_step_button(state, label(ctx.language, "✖️ Stop here"), CANCEL)],
    )


def render_step_text(state: ConversationState, step: Step, ctx: StepContext) -> Markup:
    """Return the text of a step, with what just happened above it."""
    message, text = status_message_of(state), step.text
    if message is None:
        return render_text(text, ctx)
    if step.reminder is not None and not message.is_first:
        text = step.reminder
    above = say(ctx.language, message.text, **message.values)
    return Markup(f"{above}\n\n{render_text(text, ctx)}")


def render_text(text: StepText, ctx: StepContext) -> Markup:
    """Return the text as it reads now."""
    return say(ctx.language, text) if isinstance(text, str) else text(ctx)


def _render_closed(
    conversations: Conversations, state: ConversationState, language: str, text: Markup | None
) -> View:
    conversation = conversations.get(state.conversation)
    if conversation is None:  # stored by a version with other conversations
        return view(say(language, "This step is no longer available."), _guides_row(language))
    title = label(language, conversation.title)
    if text is not None:
        pass
    elif state.step == FINISHED:
        text = say(
            language, "✅ <b>{title}</b>: already done. There's nothing to continue.", title=title
        )
    elif state.step == CANCELLED:
        text = say(
            language,
            "I stopped <b>{title}</b>. You can start again at any time.",
            title=title,
        )
    else:
        text = say(
            language,
            "<b>{title}</b> timed out because you didn't continue. Start again?",
            title=title,
        )
    restart = button(
        label(language, "▶️ Start again: {title}", title=title), "do", conversation.name
    )
    return view(text, [restart], _guides_row(language))


def _client_button_rows(step: Step, ctx: StepContext) -> list[list[InlineKeyboardButton]]:
    rows = []
    for each in step.client_buttons:
        text = label(ctx.language, each.label)
        url = each.url(ctx) if each.url else None
        copied_text = each.copied_text(ctx) if each.copied_text else None
        if url:
            rows.append([InlineKeyboardButton(text, url=url)])
        if copied_text:
            rows.append([InlineKeyboardButton(text, copy_text=CopyTextButton(copied_text))])
    return rows


def _step_button(state: ConversationState, text: str, key: str) -> InlineKeyboardButton:
    """Return a button that names its step and the version of the conversation."""
    return button(text, ROUTE, state.conversation, state.step, str(state.version), key)


def _link_row(
    conversations: Conversations, state: ConversationState, link: str, language: str
) -> list[InlineKeyboardButton]:
    conversation = conversations[link.partition("/")[0]]
    parts = resolve_target(link, state.conversation) if "/" in link else (link,)
    step = conversation.steps[parts[1]] if len(parts) > 1 else None
    title = label(language, (step and step.title) or conversation.title)
    has_emoji = not title[:1].isalnum()
    text = title if has_emoji else label(language, "▶️ {title}", title=title)
    return [button(text, "do", *parts)]


def _bottom_row(state: ConversationState, step: Step, language: str) -> list[InlineKeyboardButton]:
    """Return the last row of every step: Back, Cancel and the other language."""
    other = locales.other(language)
    language_button = _step_button(state, label(other, "🌐 English"), LANGUAGE + other)
    if step.is_end:
        return [*_guides_row(language), language_button]
    row = [_step_button(state, label(language, "‹ Back"), BACK)] if state.history else []
    return [*row, _step_button(state, label(language, "✖️ Cancel"), CANCEL), language_button]


def _guides_row(language: str) -> list[InlineKeyboardButton]:
    return [button(label(language, "🧭 See all guides"), "guides", language)]
