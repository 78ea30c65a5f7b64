"""Beginning a conversation: by a button, by a deep link, and when another one is open."""

from telegram import InlineKeyboardButton, Update
from telegram.helpers import create_deep_linked_url

from handlers.context import Context
from handlers.engine.model import After, Scene
from handlers.engine.rendering import interrupted
from handlers.engine.session import moving, peek, scene_of, shown_at
from handlers.engine.transitions import step_of
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


async def on_anew(update: Update, context: Context, parts: list[str]) -> str | None:
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
    scene = scene_of(update, context)
    if scene is None:
        await send(update, context, _elsewhere(context, target, context.language(update)))
        return ""
    try:
        shown = await _entered(update, context, scene, target, anew)
    except ConversationChangedError:  # another process took the same tap
        state = await peek(update, context, scene)
        assert state is not None
        context.services.conversations.remember(state)
        shown = shown_at(context, scene, state)
    context.step_shown = True
    await (show if in_place else send)(update, context, shown)
    return ""


async def _entered(
    update: Update, context: Context, scene: Scene, target: tuple[str, str], anew: bool
) -> View:
    async with moving(update, context, scene) as (mover, state):
        is_again = state is not None and state.last_update_id == update.update_id
        if state is not None and (is_again or (state.is_open and not mover.is_over(state))):
            context.services.conversations.remember(state)  # another process may have taken the tap
            if (state.conversation, state.step) == target:
                return shown_at(context, scene, state)
            left = _left(context, state)
            if _would_lose(context, state) and not anew:
                return interrupted(context.conversations, state, target, scene.language)
        else:
            left = None
        state = await mover.begin(state, target)
    context.services.conversations.remember(state)
    if left is not None:
        await left(context, scene)
    return shown_at(context, scene, state)


def _would_lose(context: Context, state: ConversationState) -> bool:
    """Tell whether the person came to their step by more than a link to it."""
    step = step_of(context.conversations, state)
    if step is None or state.history:
        return bool(state.history)
    return step.left is not None or (bool(step.needs) and not step.is_done)


def _left(context: Context, state: ConversationState) -> After | None:
    """Give what follows when the person leaves the step they are at."""
    step = step_of(context.conversations, state)
    return step.left if step and state.is_open else None


def _target(context: Context, parts: list[str]) -> tuple[str, str] | None:
    """Give conversation and step that are named, `None` where there is no such."""
    dialog = context.conversations.get(parts[0])
    if dialog is None or len(parts) > 2:
        return None
    step = parts[1] if len(parts) == 2 else dialog.begins
    is_entrance = step in dialog.steps and not dialog.steps[step].needs
    return (dialog.name, step) if is_entrance else None


def _elsewhere(context: Context, target: tuple[str, str], language: str) -> View:
    """Give the link to the private chat, for a group."""
    dialog, step = target
    is_first = context.conversations[dialog].begins == step
    payload = DEEP_LINK + (dialog if is_first else f"{dialog}-{step}")
    url = create_deep_linked_url(context.bot.username, payload)
    text = say(language, "Let us do this in private, where only you can read it.")
    return view(text, [InlineKeyboardButton(label(language, "▶️ Go on in private"), url=url)])
