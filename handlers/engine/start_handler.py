"""Beginning a conversation: by a button, by a deep link, and when another one is open."""

from telegram import InlineKeyboardButton, Update
from telegram.helpers import create_deep_linked_url

from handlers.context import Context
from handlers.engine.model import AfterCommit, StepContext
from handlers.engine.rendering import render_interruption
from handlers.engine.session import load, make_step_context, render, transaction
from handlers.engine.transitions import find_step
from handlers.screen.text import label, say
from handlers.screen.view import View, send, show, view
from services.conversations import ConversationChangedError, ConversationState

DEEP_LINK = "do-"


async def on_do(update: Update, context: Context, parts: list[str]) -> str | None:
    """Begin ``[conversation]`` or ``[conversation, step]`` in place of what was pressed."""
    return await _enter(update, context, parts, in_place=True)


async def on_go(update: Update, context: Context, parts: list[str]) -> str | None:
    """Begin it below what was pressed, so that an answer stays."""
    return await _enter(update, context, parts, in_place=False)


async def on_restart(update: Update, context: Context, parts: list[str]) -> str | None:
    """Begin it whatever else is open; the person was asked."""
    return await _enter(update, context, parts, in_place=True, anew=True)


async def on_link(update: Update, context: Context, payload: str) -> bool:
    """Begin what a deep link ``do-<conversation>`` names; `False` for another link."""
    if not payload.startswith(DEEP_LINK):
        return False
    parts = payload.removeprefix(DEEP_LINK).split("-")
    return await _enter(update, context, parts, in_place=False) is not None


async def _enter(
    update: Update, context: Context, parts: list[str], in_place: bool, anew: bool = False
) -> str | None:
    target = _target(context, parts)
    if target is None:
        return None
    ctx = make_step_context(update, context)
    if ctx is None:
        await send(update, context, _elsewhere(context, target, context.language(update)))
        return ""
    try:
        shown = await _entered(update, context, ctx, target, anew)
    except ConversationChangedError:  # another process took the same tap
        state = await load(update, context, ctx)
        assert state is not None
        context.services.conversations.remember(state)
        shown = render(context, ctx, state)
    context.step_shown = True
    await (show if in_place else send)(update, context, shown)
    return ""


async def _entered(
    update: Update, context: Context, ctx: StepContext, target: tuple[str, str], anew: bool
) -> View:
    async with transaction(update, context, ctx) as (mover, state):
        is_again = state is not None and state.last_update_id == update.update_id
        if state is not None and (is_again or (state.is_open and not mover.is_over(state))):
            context.services.conversations.remember(state)  # another process may have taken the tap
            if (state.conversation, state.step) == target:
                return render(context, ctx, state)
            left = _left(context, state)
            if _would_lose(context, state) and not anew:
                return render_interruption(context.conversations, state, target, ctx.language)
        else:
            left = None
        state = await mover.begin(state, target)
    context.services.conversations.remember(state)
    if left is not None:
        await left(context, ctx)
    return render(context, ctx, state)


def _would_lose(context: Context, state: ConversationState) -> bool:
    """Tell whether the person came to their step by more than a link to it."""
    step = find_step(context.conversations, state)
    if step is None or state.history:
        return bool(state.history)
    return step.on_leave is not None or (bool(step.requires) and not step.is_done)


def _left(context: Context, state: ConversationState) -> AfterCommit | None:
    """Give what follows when the person leaves the step they are at."""
    step = find_step(context.conversations, state)
    return step.on_leave if step and state.is_open else None


def _target(context: Context, parts: list[str]) -> tuple[str, str] | None:
    """Give conversation and step that are named, `None` where there is no such."""
    dialog = context.conversations.get(parts[0])
    if dialog is None or len(parts) > 2:
        return None
    step = parts[1] if len(parts) == 2 else dialog.initial
    is_entrance = step in dialog.steps and not dialog.steps[step].requires
    return (dialog.name, step) if is_entrance else None


def _elsewhere(context: Context, target: tuple[str, str], language: str) -> View:
    """Give the link to the private chat, for a group."""
    dialog, step = target
    is_first = context.conversations[dialog].initial == step
    payload = DEEP_LINK + (dialog if is_first else f"{dialog}-{step}")
    url = create_deep_linked_url(context.bot.username, payload)
    text = say(language, "Let us do this in private, where only you can read it.")
    return view(text, [InlineKeyboardButton(label(language, "▶️ Go on in private"), url=url)])
