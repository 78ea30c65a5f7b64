"""Links the chat to the person after a right code, if they agree.

The offer is made once, at the end of a conversation that verified a code. A linked chat receives
notices, and its person types only the code from then on.
"""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.engine.model import ButtonTransition, Links, Step, StepContext, StepResult, StepText
from handlers.engine.rendering import render_text
from handlers.identity.error_messages import ErrorSteps
from handlers.identity.step_data import GRANT, UNLINKED
from handlers.screen.text import N_, Markup, say
from services.authority.errors import AuthorityError
from services.authority.interface.links import ChatLinks

OFFER, DONE = "offer", "done"
"""The steps after the operation of a conversation that verified a code."""
_OFFER = N_(
    "🔗 <b>Shall I link this chat to you?</b> Then I tell you here when something happens to your "
    "card, and you type the code only. Do it in a chat that nobody else reads. /privacy removes "
    "it."
)
_LINKED = N_(
    "🔗 <b>This chat is linked to you.</b> What happens to your card is told here, and by e-mail. "
    "/privacy shows every linked chat and removes it."
)


def linking_steps(chat_links: ChatLinks, text: StepText, links: Links = ()) -> Mapping[str, Step]:
    """Return the final step ``done``, and before it ``offer`` to link the chat, with its text."""

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

    yes = ButtonTransition("yes", N_("🔗 Yes, link it"), "linked", link, also_targets=(DONE,))
    no = ButtonTransition("no", N_("No, thank you"), DONE, decline)
    return {
        OFFER: Step(offer_text, (yes, no), requires=(GRANT,), is_done=True),
        "linked": Step(_LINKED, links=links, requires=(GRANT,)),
        DONE: Step(text, links=links, requires=(GRANT,)),
    }


def offer_or_done(ctx: StepContext) -> str:
    """Return the step after the operation: the offer, unless the chat is linked already."""
    return OFFER if UNLINKED in ctx.data else DONE
