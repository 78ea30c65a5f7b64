"""Who is in which conversation, read for one update. Conversations run in private chats only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from telegram import Message, Update
from telegram.constants import ChatType

from handlers.context import Context
from handlers.engine.model import StepContext
from handlers.engine.rendering import render_step
from handlers.engine.transitions import ConversationMachine, find_step, without_status_message
from handlers.screen.view import View
from services.conversations import EXPIRED, ConversationChangedError, ConversationState


def make_step_context(update: Update, context: Context) -> StepContext | None:
    """Give the ctx of an update; `None` outside private chats."""
    user, chat = update.effective_user, update.effective_chat
    if user is None or chat is None or chat.type != ChatType.PRIVATE:
        return None
    return StepContext(
        chat_id=chat.id,
        user_id=user.id,
        language=context.language(update),
        client_language=user.language_code,
        now=context.services.now(),
        data={},
        update_id=update.update_id,
        name=user.full_name,
    )


def open_step_context(update: Update, context: Context) -> StepContext | None:
    """Give the ctx of who may be in a conversation; costs no query for those who are not."""
    user, chat = update.effective_user, update.effective_chat
    if user is None or chat is None:
        return None
    if not context.services.conversations.may_be_open(chat.id, user.id):
        return None
    return make_step_context(update, context)


@asynccontextmanager
async def transaction(
    update: Update, context: Context, ctx: StepContext
) -> AsyncIterator[tuple[ConversationMachine, ConversationState | None]]:
    """Open the unit of work of one move, and give where the person is before it."""
    services = context.services
    async with services.database.unit_of_work() as session:
        mover = ConversationMachine(
            context.conversations, services.conversations, session, ctx, update.update_id
        )
        yield mover, await services.conversations.find(session, ctx.chat_id, ctx.user_id)


async def load(update: Update, context: Context, ctx: StepContext) -> ConversationState | None:
    """Give where the person is or was last, and change nothing."""
    async with transaction(update, context, ctx) as (_, state):
        return state


async def load_and_expire(
    update: Update, context: Context, ctx: StepContext
) -> ConversationState | None:
    """Give where the person is or was last, and close what rested too long."""
    try:
        async with transaction(update, context, ctx) as (mover, state):
            if state is not None and mover.is_over(state):
                state = await mover.expire(state)
    except ConversationChangedError:
        state = await load(update, context, ctx)
    if state is not None:
        context.services.conversations.remember(state)
    return state


def render(context: Context, ctx: StepContext, state: ConversationState) -> View:
    """Give the step somebody is at, as it is read now."""
    return render_step(context.conversations, state, with_data(ctx, state))


def with_data(ctx: StepContext, state: ConversationState) -> StepContext:
    """Give the ctx with what was kept on the way."""
    return replace(ctx, data=state.data)


async def open_view(update: Update, context: Context) -> View | None:
    """Give the open step of who wrote; one that rested too long is closed, and says so.

    What was told at its last move is not told again.
    """
    ctx = open_step_context(update, context)
    state = await load_and_expire(update, context, ctx) if ctx else None
    if ctx is None or state is None:
        return None
    if state.last_update_id != update.update_id:
        state = without_status_message(state)
    is_expired_now = state.step == EXPIRED and state.last_update_id == update.update_id
    return render(context, ctx, state) if state.is_open or is_expired_now else None


async def is_goal_reached(update: Update, context: Context) -> bool:
    """Tell whether the open step of who wrote has done what its conversation was for."""
    ctx = open_step_context(update, context)
    state = await load(update, context, ctx) if ctx else None
    step = None if state is None else find_step(context.conversations, state)
    return step is not None and step.is_done


def text_of_message(update: Update) -> str:
    """Give what was typed, also under a picture."""
    message = update.effective_message
    return (message.text or message.caption or "") if isinstance(message, Message) else ""
