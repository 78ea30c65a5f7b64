"""What a grant allows: an operation with its precondition, and linking the chat to the person.

The offer to link is made once, at the end of a conversation that verified a code. A linked chat
receives notices, and its person types only the code from then on.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.engine.model import (
    ButtonTransition,
    Effect,
    InfoButton,
    Links,
    Step,
    StepContext,
    StepResult,
    StepText,
)
from handlers.engine.rendering import render_text
from handlers.identity.code_verification import OnVerified
from handlers.identity.error_messages import ErrorSteps
from handlers.identity.step_data import GRANT, UNLINKED
from handlers.screen.text import N_, Markup, say
from services.authority.data_types import Change
from services.authority.errors import AuthorityError
from services.authority.interface.authority import Authority
from services.authority.interface.links import ChatLinks
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


OFFER, DONE = "offer", "done"
"""The steps after the operation of a conversation that verified a code."""
_OFFER = N_("🔗 Get alerts here? Only if no one else reads this chat.")
_ALERTS = N_(
    "🔗 <b>Alerts</b>: you'll be notified in this chat when something happens to your card, and "
    "next time you type only the subscriber code. Choose this only if no one else reads this "
    "chat. You can turn it off with /privacy."
)
_LINKED = N_(
    "🔗 <b>You now get alerts in this chat</b>, and by e-mail, when something happens to your "
    "card. /privacy shows your linked chats; you can remove them there."
)


def linking_steps(
    chat_links: ChatLinks, text: StepText, links: Links = (), next_steps: Links = ()
) -> Mapping[str, Step]:
    """Return the final step ``done``, and before it ``offer`` to link the chat, with its text.

    :param next_steps: what the person does next, offered before the link.
    """

    async def link(session: AsyncSession, ctx: StepContext) -> StepResult:
        grant, client = ctx.data[GRANT], ctx.client_language
        try:
            async with session.begin_nested():
                await chat_links.link_chat(session, grant, ctx.chat_id, ctx.now, client)
        except AuthorityError as error:
            return ErrorSteps(DONE, clear_data=(GRANT,)).result_for(error, ctx)
        return StepResult("linked", clear_data=(GRANT,), clears_history=True)

    async def decline(_session: AsyncSession, _ctx: StepContext) -> StepResult:
        return StepResult(DONE, clear_data=(GRANT,), clears_history=True)

    def offer_text(ctx: StepContext) -> Markup:
        return Markup(f"{render_text(text, ctx)}\n\n{say(ctx.language, _OFFER)}")

    yes = ButtonTransition("yes", N_("🔗 Yes, get alerts"), "linked", link, also_targets=(DONE,))
    no = ButtonTransition("no", N_("No, thanks"), DONE, decline)
    about = InfoButton("about", N_("ℹ️ What are alerts?"), _ALERTS)
    return {
        OFFER: Step(
            offer_text,
            (yes, no),
            (about,),
            requires=(GRANT,),
            next_steps=next_steps,
            is_done=True,
        ),
        "linked": Step(_LINKED, links=links, next_steps=next_steps, requires=(GRANT,)),
        DONE: Step(text, links=links, next_steps=next_steps, requires=(GRANT,)),
    }


def offer_or_done(ctx: StepContext) -> str:
    """Return the step after the operation: the offer, unless the chat is linked already."""
    return OFFER if UNLINKED in ctx.data else DONE
