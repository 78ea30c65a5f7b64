"""Starting a conversation: by a button, by a deep link, and while another one is open."""

from telegram import InlineKeyboardButton, Update
from telegram.helpers import create_deep_linked_url

from handlers import lost_card
from handlers.context import Context
from handlers.engine.model import OnLeave, StatusMessage
from handlers.engine.rendering import render_interruption
from handlers.engine.session import ConversationSession, conversation_session, conversations_of
from handlers.engine.transitions import find_step
from handlers.screen.text import N_, label, say
from handlers.screen.view import View, send, send_to, show, view
from services.conversations import ConversationState

DEEP_LINK = "do-"
_TOOK_OVER = N_("⏹ <b>{title}</b> was closed.")


async def on_do(update: Update, context: Context, parts: list[str]) -> str | None:
    """Start ``[conversation]`` or ``[conversation, step]`` in place of what was pressed."""
    return await _start(update, context, parts, in_place=True)


async def on_go(update: Update, context: Context, parts: list[str]) -> str | None:
    """Start it below what was pressed, so that an answer stays."""
    return await _start(update, context, parts, in_place=False)


async def on_restart(update: Update, context: Context, parts: list[str]) -> str | None:
    """Start ``[conversation, step, version]`` in place of what is open with that version.

    The person was asked about it; what they have begun since is asked about again.
    """
    version = int(parts[2]) if len(parts) == 3 and parts[2].isdecimal() else None
    return await _start(update, context, parts[:2], in_place=True, confirmed_version=version)


async def on_link(update: Update, context: Context, payload: str) -> bool:
    """Start what a deep link ``do-<conversation>`` names; `False` for another link."""
    if not payload.startswith(DEEP_LINK):
        return False
    parts = payload.removeprefix(DEEP_LINK).split("-")
    return await _start(update, context, parts, in_place=False) is not None


async def _start(
    update: Update,
    context: Context,
    parts: list[str],
    in_place: bool,
    confirmed_version: int | None = None,
) -> str | None:
    target = _find_target(context, parts)
    if target is None:
        return None
    session = conversation_session(update, context)
    if session is None:
        await send(update, context, _private_chat_link(context, target, context.language(update)))
        return ""
    shown = await _enter(context, session, target, confirmed_version)
    context.step_shown = True
    await (show if in_place else send)(update, context, shown)
    return ""


async def _enter(
    context: Context,
    session: ConversationSession,
    target: tuple[str, str],
    confirmed_version: int | None,
) -> View:
    on_leave: OnLeave | None = None
    message: StatusMessage | None = None
    async with session.transaction() as machine:
        state = session.state
        is_running = state is not None and state.is_open and not session.is_over(state)
        if session.is_superseded and is_running:
            return session.render()
        if state is not None and (session.is_replay or is_running):
            if (state.conversation, state.step) == target:
                return session.render()
            if state.version != confirmed_version:
                if _would_lose(session, state, target):
                    language = session.context.language
                    return render_interruption(session.conversations, state, target, language)
                message = _takeover_message(session, state, target)
            on_leave = _on_leave(session, state)
        session.state = await machine.begin(state, target, message)
    if on_leave is not None and not session.is_overtaken:
        text = await on_leave(context, session.context)
        if text is not None:
            await send_to(context.bot, session.context.chat_id, view(text))
    return session.render()


def _would_lose(
    session: ConversationSession, state: ConversationState, target: tuple[str, str]
) -> bool:
    """Whether the person came to their step by more than a link to it.

    Whoever lost the card is asked only where something runs on a card.
    """
    step = find_step(session.conversations, state)
    if step is not None and _is_lost_card(state, target):
        return step.on_leave is not None
    if step is None or state.history:
        return bool(state.history)
    return step.on_leave is not None or (bool(step.requires) and not step.is_done)


def _is_lost_card(state: ConversationState, target: tuple[str, str]) -> bool:
    return target[0] == lost_card.CONVERSATION != state.conversation


def _takeover_message(
    session: ConversationSession, state: ConversationState, target: tuple[str, str]
) -> StatusMessage | None:
    """Return that another conversation was closed by this one; `None` for one that was done."""
    step = find_step(session.conversations, state)
    if step is None or step.is_done or state.conversation == target[0]:
        return None
    title = label(session.context.language, session.conversations[state.conversation].title)
    return StatusMessage(_TOOK_OVER, {"title": title}, is_first=True)


def _on_leave(session: ConversationSession, state: ConversationState) -> OnLeave | None:
    step = find_step(session.conversations, state)
    return step.on_leave if step and state.is_open else None


def _find_target(context: Context, parts: list[str]) -> tuple[str, str] | None:
    """Return the conversation and step that are named, `None` where there is no such entry."""
    conversation = conversations_of(context).get(parts[0])
    if conversation is None or len(parts) > 2:
        return None
    step = parts[1] if len(parts) == 2 else conversation.initial
    is_entry = step in conversation.steps and not conversation.steps[step].requires
    return (conversation.name, step) if is_entry else None


def _private_chat_link(context: Context, target: tuple[str, str], language: str) -> View:
    """Return the link to the private chat, for a group."""
    name, step = target
    is_initial = conversations_of(context)[name].initial == step
    payload = DEEP_LINK + (name if is_initial else f"{name}-{step}")
    url = create_deep_linked_url(context.bot.username, payload)
    text = say(language, "Please continue in our private chat. Only you can read it there.")
    return view(text, [InlineKeyboardButton(label(language, "▶️ Continue in private"), url=url)])
