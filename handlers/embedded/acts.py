"""Doing something under a grant, in the transaction of the move."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.dialog.declaration import Effect, Outcome, Scene
from handlers.embedded import states
from handlers.embedded.identify import FORGET, GRANT
from handlers.embedded.refusals import told
from services.authority.errors import AuthorityError, WrongStateError
from services.authority.results import Change

Verb = Callable[[AsyncSession, str, int, datetime], Awaitable[Change]]


def carried_out(verb: Verb, led: Callable[[Change, Scene], Outcome], start: str = "who") -> Effect:
    """Give what does `verb` and says where it led.

    :param start: the step to begin at again when too much time has passed.
    """

    async def effect(session: AsyncSession, scene: Scene) -> Outcome:
        try:
            async with session.begin_nested():  # what a refusal did is undone, the move is not
                change = await verb(session, scene.data[GRANT], scene.chat_id, scene.now)
        except WrongStateError as error:
            return states.away(error)
        except AuthorityError as error:
            return Outcome(start, told=told(error), forget=(GRANT, *FORGET), is_one_way=True)
        return led(change, scene)

    return effect
