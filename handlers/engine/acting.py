"""What is done outside any unit of work, between seeing a step and moving on from it.

Two may do it at once with the same update; only one of them moves.
"""

from collections.abc import Awaitable, Callable

from telegram import Update

from handlers.context import Context
from handlers.engine.model import Outcome, Scene, Way
from handlers.engine.session import at, moving
from services.conversations import ConversationChangedError, ConversationState


async def acted(
    update: Update,
    context: Context,
    scene: Scene,
    seen: ConversationState,
    way: Way,
    act: Callable[[Scene], Awaitable[Outcome]],
) -> ConversationState:
    """Do `act`, and go where it led.

    :param seen: where the person was before.
    :raises ConversationChangedError: when somebody else moved them meanwhile.
    """
    outcome = await act(at(scene, seen))
    async with moving(update, context, scene) as (mover, state):
        if state is None or state.version != seen.version:
            raise ConversationChangedError
        return await mover.follow(state, way, outcome)
