"""What is done outside any unit of work, between seeing a step and moving on from it.

Two may do it at once with the same update; only one of them moves.
"""

from collections.abc import Awaitable, Callable

from telegram import Update

from handlers.context import Context
from handlers.engine.model import StepContext, StepResult, Transition
from handlers.engine.session import transaction, with_data
from services.conversations import ConversationChangedError, ConversationState


async def run_action(
    update: Update,
    context: Context,
    ctx: StepContext,
    seen: ConversationState,
    way: Transition,
    act: Callable[[StepContext], Awaitable[StepResult]],
) -> ConversationState:
    """Do `act`, and go where it led.

    :param seen: where the person was before.
    :raises ConversationChangedError: when somebody else moved them meanwhile.
    """
    outcome = await act(with_data(ctx, seen))
    async with transaction(update, context, ctx) as (mover, state):
        if state is None or state.version != seen.version:
            raise ConversationChangedError
        return await mover.follow(state, way, outcome)
