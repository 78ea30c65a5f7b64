"""Actions under a grant: in the transaction of the transition, and their precondition before it."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.engine.model import Effect, StepContext, StepResult
from handlers.identity.code_verification import OnVerified
from handlers.identity.error_messages import ErrorSteps
from handlers.identity.step_data import GRANT
from services.authority.data_types import Change
from services.authority.errors import AuthorityError
from services.authority.interface.authority import Authority
from services.storage.database import Database

NOTHING_TO_DO = "already"
"""The final step of a conversation that had nothing to do."""
NextStep = Callable[[Change, StepContext], StepResult]
GrantedCall = Callable[[AsyncSession, str, int, datetime], Awaitable[Change]]


def check_precondition(
    authority: Authority, database: Database, target: str, next_step: NextStep
) -> OnVerified:
    """Return the hook that checks, before more is asked for, whether there is anything to do.

    :param target: where the conversation goes on if there is.
    """

    async def check(grant: str, ctx: StepContext) -> StepResult:
        preview = authority.certificates.preview_change
        try:
            async with database.unit_of_work() as session:
                change = await preview(session, grant, ctx.chat_id, ctx.now)
        except AuthorityError as error:
            return ErrorSteps().result_for(error, ctx)
        return StepResult(target) if change.changed else next_step(change, ctx)

    return check


def run_with_grant(call: GrantedCall, next_step: NextStep, start: str = "who") -> Effect:
    """Return the effect that makes a call under the grant.

    :param start: the step to go back to when the grant has expired.
    """

    async def effect(session: AsyncSession, ctx: StepContext) -> StepResult:
        try:
            async with session.begin_nested():  # undoes what a refusal did, not the transition
                change = await call(session, ctx.data[GRANT], ctx.chat_id, ctx.now)
        except AuthorityError as error:
            return ErrorSteps(start).result_for(error, ctx)
        return next_step(change, ctx)

    return effect
