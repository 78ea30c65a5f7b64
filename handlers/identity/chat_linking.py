"""Linking the chat to the person after a right code, with their yes (DESIGN.md, "Person").

The offer is made once, where a conversation that had a right code is done. A linked chat hears of
what happens, and types the code only.
"""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.engine.model import ButtonTransition, Links, Step, StepContext, StepResult, StepText
from handlers.engine.rendering import render_text
from handlers.identity.code import GRANT, UNLINKED
from handlers.identity.error_messages import message_for
from handlers.screen.text import N_, Markup, say
from services.authority.errors import AuthorityError
from services.authority.interface.links import ChatLinks

OFFER, DONE = "offer", "done"
"""The steps where a conversation that had a right code is done."""
_OFFER = N_(
    "🔗 <b>Shall I link this chat to you?</b> Then I tell you here when something happens to your "
    "card, and you type the code only. Do it in a chat that nobody else reads. /privacy removes "
    "it."
)
_LINKED = N_(
    "🔗 <b>This chat is linked to you.</b> What happens to your card is told here, and by e-mail. "
    "/privacy shows every linked chat and removes it."
)


def linking_steps(chat_links: ChatLinks, words: StepText, links: Links = ()) -> Mapping[str, Step]:
    """Give the end, ``done``, and with the same words before it ``offer``, to link the chat."""

    async def link(session: AsyncSession, ctx: StepContext) -> StepResult:
        try:
            async with session.begin_nested():
                grant = ctx.data[GRANT]
                client = ctx.client_language
                await chat_links.link_chat(session, grant, ctx.chat_id, ctx.now, client)
        except AuthorityError as error:
            return StepResult(
                DONE, message=message_for(error), clear_data=(GRANT,), clears_history=True
            )
        return StepResult("linked", clear_data=(GRANT,), clears_history=True)

    async def decline(_session: AsyncSession, _scene: StepContext) -> StepResult:
        return StepResult(DONE, clear_data=(GRANT,), clears_history=True)

    def offered(ctx: StepContext) -> Markup:
        asked = say(ctx.language, _OFFER)
        return Markup(f"{render_text(words, ctx)}\n\n{asked}")

    return {
        OFFER: Step(
            offered,
            (
                ButtonTransition(
                    "yes", N_("🔗 Yes, link it"), "linked", link, also_targets=(DONE,)
                ),
                ButtonTransition("no", N_("No, thank you"), DONE, decline),
            ),
            requires=(GRANT,),
            is_done=True,
        ),
        "linked": Step(_LINKED, links=links, requires=(GRANT,)),
        DONE: Step(words, links=links, requires=(GRANT,)),
    }


def offer_or_done(ctx: StepContext) -> str:
    """Give where to go on: the offer, or straight to the end where there is nothing to offer."""
    return OFFER if UNLINKED in ctx.data else DONE
