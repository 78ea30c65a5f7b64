"""Doing something under a grant, in the transaction of the move, and looking ahead at it."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.engine.model import Effect, StepContext, StepResult
from handlers.identity import unavailable_steps
from handlers.identity.code import GRANT, IDENTITY_KEYS, OnVerified
from handlers.identity.error_messages import message_for
from services.authority.errors import AuthorityError, WrongStateError
from services.authority.interface.authority import Authority
from services.authority.values import Change
from services.storage.database import Database

NOTHING_TO_DO = "already"
"""The end of a conversation that had nothing to do."""
NextStep = Callable[[Change, StepContext], StepResult]
GrantedCall = Callable[[AsyncSession, str, int, datetime], Awaitable[Change]]


def check_precondition(
    authority: Authority, database: Database, target: str, next_step: NextStep
) -> OnVerified:
    """Give what sees after a right code, before more is asked for, whether there is anything to do.

    :param to: where it goes on if there is.
    """

    async def look(grant: str, ctx: StepContext) -> StepResult:
        try:
            async with database.unit_of_work() as session:
                change = await authority.certificates.preview_change(
                    session, grant, ctx.chat_id, ctx.now
                )
        except AuthorityError as error:
            return _refused(error)
        return StepResult(target) if change.changed else next_step(change, ctx)

    return look


def run_with_grant(call: GrantedCall, next_step: NextStep, start: str = "who") -> Effect:
    """Give what does `verb` and says where it led.

    :param start: the step to begin at again when too much time has passed.
    """

    async def effect(session: AsyncSession, ctx: StepContext) -> StepResult:
        try:
            async with session.begin_nested():  # what a refusal did is undone, the move is not
                change = await call(session, ctx.data[GRANT], ctx.chat_id, ctx.now)
        except AuthorityError as error:
            return _refused(error, start)
        return next_step(change, ctx)

    return effect


def _refused(error: AuthorityError, start: str = "who") -> StepResult:
    if isinstance(error, WrongStateError):
        return unavailable_steps.unavailable_step(error)
    return StepResult(
        start, message=message_for(error), clear_data=(GRANT, *IDENTITY_KEYS), clears_history=True
    )
