"""Linking the chat to the person after a right code, with their yes (DESIGN.md, "Person").

The offer is made once, where a conversation that had a right code is done. A linked chat hears of
what happens, and types the code only.
"""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.engine.model import Choice, Links, Outcome, Scene, Step, Words
from handlers.engine.rendering import words_of
from handlers.identity.code import GRANT, UNLINKED
from handlers.identity.error_messages import told
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


def after_a_right_code(
    chat_links: ChatLinks, words: Words, links: Links = ()
) -> Mapping[str, Step]:
    """Give the end, ``done``, and with the same words before it ``offer``, to link the chat."""

    async def link(session: AsyncSession, scene: Scene) -> Outcome:
        try:
            async with session.begin_nested():
                grant = scene.data[GRANT]
                client = scene.client_language
                await chat_links.link_chat(session, grant, scene.chat_id, scene.now, client)
        except AuthorityError as error:
            return Outcome(DONE, told=told(error), forget=(GRANT,), is_one_way=True)
        return Outcome("linked", forget=(GRANT,), is_one_way=True)

    async def decline(_session: AsyncSession, _scene: Scene) -> Outcome:
        return Outcome(DONE, forget=(GRANT,), is_one_way=True)

    def offered(scene: Scene) -> Markup:
        asked = say(scene.language, _OFFER)
        return Markup(f"{words_of(words, scene)}\n\n{asked}")

    return {
        OFFER: Step(
            offered,
            (
                Choice("yes", N_("🔗 Yes, link it"), "linked", link, others=(DONE,)),
                Choice("no", N_("No, thank you"), DONE, decline),
            ),
            needs=(GRANT,),
            is_done=True,
        ),
        "linked": Step(_LINKED, links=links, needs=(GRANT,)),
        DONE: Step(words, links=links, needs=(GRANT,)),
    }


def offer_or_end(scene: Scene) -> str:
    """Give where to go on: the offer, or straight to the end where there is nothing to offer."""
    return OFFER if UNLINKED in scene.data else DONE
