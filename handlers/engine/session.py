"""Who is in which conversation, read for one update. Conversations run in private chats only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from telegram import Message, Update
from telegram.constants import ChatType

from handlers.context import Context
from handlers.engine.model import Scene
from handlers.engine.rendering import step_view
from handlers.engine.transitions import Mover, step_of, without_told
from handlers.screen.view import View
from services.conversations import EXPIRED, ConversationChangedError, ConversationState


def scene_of(update: Update, context: Context) -> Scene | None:
    """Give the scene of an update; `None` outside private chats."""
    user, chat = update.effective_user, update.effective_chat
    if user is None or chat is None or chat.type != ChatType.PRIVATE:
        return None
    return Scene(
        chat_id=chat.id,
        user_id=user.id,
        language=context.language(update),
        client_language=user.language_code,
        now=context.services.now(),
        data={},
        update_id=update.update_id,
        name=user.full_name,
    )


def open_scene(update: Update, context: Context) -> Scene | None:
    """Give the scene of who may be in a conversation; costs no query for those who are not."""
    user, chat = update.effective_user, update.effective_chat
    if user is None or chat is None:
        return None
    if not context.services.conversations.may_be_open(chat.id, user.id):
        return None
    return scene_of(update, context)


@asynccontextmanager
async def moving(
    update: Update, context: Context, scene: Scene
) -> AsyncIterator[tuple[Mover, ConversationState | None]]:
    """Open the unit of work of one move, and give where the person is before it."""
    services = context.services
    async with services.database.unit_of_work() as session:
        mover = Mover(
            context.conversations, services.conversations, session, scene, update.update_id
        )
        yield mover, await services.conversations.find(session, scene.chat_id, scene.user_id)


async def peek(update: Update, context: Context, scene: Scene) -> ConversationState | None:
    """Give where the person is or was last, and change nothing."""
    async with moving(update, context, scene) as (_, state):
        return state


async def read(update: Update, context: Context, scene: Scene) -> ConversationState | None:
    """Give where the person is or was last, and close what rested too long."""
    try:
        async with moving(update, context, scene) as (mover, state):
            if state is not None and mover.is_over(state):
                state = await mover.expire(state)
    except ConversationChangedError:
        state = await peek(update, context, scene)
    if state is not None:
        context.services.conversations.remember(state)
    return state


def shown_at(context: Context, scene: Scene, state: ConversationState) -> View:
    """Give the step somebody is at, as it is read now."""
    return step_view(context.conversations, state, at(scene, state))


def at(scene: Scene, state: ConversationState) -> Scene:
    """Give the scene with what was kept on the way."""
    return replace(scene, data=state.data)


async def current(update: Update, context: Context) -> View | None:
    """Give the open step of who wrote; one that rested too long is closed, and says so.

    What was told at its last move is not told again.
    """
    scene = open_scene(update, context)
    state = await read(update, context, scene) if scene else None
    if scene is None or state is None:
        return None
    if state.last_update_id != update.update_id:
        state = without_told(state)
    is_expired_now = state.step == EXPIRED and state.last_update_id == update.update_id
    return shown_at(context, scene, state) if state.is_open or is_expired_now else None


async def stands_done(update: Update, context: Context) -> bool:
    """Tell whether the open step of who wrote has done what its conversation was for."""
    scene = open_scene(update, context)
    state = await peek(update, context, scene) if scene else None
    step = None if state is None else step_of(context.conversations, state)
    return step is not None and step.is_done


def text_of(update: Update) -> str:
    """Give what was typed, also under a picture."""
    message = update.effective_message
    return (message.text or message.caption or "") if isinstance(message, Message) else ""
