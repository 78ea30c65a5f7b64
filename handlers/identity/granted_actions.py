"""Doing something under a grant, in the transaction of the move, and looking ahead at it."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.engine.model import Effect, Outcome, Scene
from handlers.identity import unavailable_steps
from handlers.identity.code import FORGET, GRANT, Then
from handlers.identity.error_messages import told
from services.authority.errors import AuthorityError, WrongStateError
from services.authority.interface.authority import Authority
from services.authority.values import Change
from services.storage.database import Database

ALREADY = "already"
"""The end of a conversation that had nothing to do."""
Led = Callable[[Change, Scene], Outcome]
Verb = Callable[[AsyncSession, str, int, datetime], Awaitable[Change]]


def looked_ahead(authority: Authority, database: Database, to: str, led: Led) -> Then:
    """Give what sees after a right code, before more is asked for, whether there is anything to do.

    :param to: where it goes on if there is.
    """

    async def look(grant: str, scene: Scene) -> Outcome:
        try:
            async with database.unit_of_work() as session:
                change = await authority.certificates.preview_change(
                    session, grant, scene.chat_id, scene.now
                )
        except AuthorityError as error:
            return _refused(error)
        return Outcome(to) if change.changed else led(change, scene)

    return look


def carried_out(verb: Verb, led: Led, start: str = "who") -> Effect:
    """Give what does `verb` and says where it led.

    :param start: the step to begin at again when too much time has passed.
    """

    async def effect(session: AsyncSession, scene: Scene) -> Outcome:
        try:
            async with session.begin_nested():  # what a refusal did is undone, the move is not
                change = await verb(session, scene.data[GRANT], scene.chat_id, scene.now)
        except AuthorityError as error:
            return _refused(error, start)
        return led(change, scene)

    return effect


def _refused(error: AuthorityError, start: str = "who") -> Outcome:
    if isinstance(error, WrongStateError):
        return unavailable_steps.away(error)
    return Outcome(start, told=told(error), forget=(GRANT, *FORGET), is_one_way=True)
