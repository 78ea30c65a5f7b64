"""/status: the status of the people a chat is linked to, without typing anything.

A chat that is linked to nobody, and every chat in guide mode, begins the conversation instead.
"""

from collections.abc import Sequence

from telegram import InlineKeyboardButton, Update
from telegram.constants import ChatType

from handlers.context import Context
from handlers.conversations.status.online import next_text, state_text
from handlers.engine import start_handler
from handlers.engine.session import conversations_of
from handlers.lost_card import lost_card_button
from handlers.screen.text import N_, Markup, label, say
from handlers.screen.view import View, button, send, view
from services.authority.data_types import LinkedPerson, Timeline
from services.authority.lifecycle import CertificateState

COMMAND = "status"
_CONVERSATION = "status"
_ENDED = (CertificateState.REVOKED, CertificateState.EXPIRED)


async def on_status(update: Update, context: Context) -> None:
    """/status: show a card for each person the chat is linked to."""
    found = await _linked_people(update, context)
    if not found:
        await start_handler.on_go(update, context, [_CONVERSATION])
    for person, timeline in found:
        await send(update, context, _card(person, timeline, update, context))


async def _linked_people(
    update: Update, context: Context
) -> Sequence[tuple[LinkedPerson, Timeline | None]]:
    chat, authority = update.effective_chat, context.services.authority
    if authority is None or chat is None or chat.type != ChatType.PRIVATE:
        return ()
    async with context.services.database.reading() as session:
        people = await authority.links.list_people(session, chat.id)
        find = authority.links.find_timeline
        return [(each, await find(session, each.subscriber, chat.id)) for each in people]


def _card(
    person: LinkedPerson, timeline: Timeline | None, update: Update, context: Context
) -> View:
    language, now = context.language(update), context.services.now()
    blocks = [
        say(language, "📍 <b>Status</b> · UI No. {masked}", masked=person.ui_number_masked),
        state_text(timeline, language),
        next_text(timeline, language, now),
    ]
    text = Markup("\n\n".join(block for block in blocks if block))
    return view(text, [_button(timeline, language, context)])


def _button(timeline: Timeline | None, language: str, context: Context) -> InlineKeyboardButton:
    """Return the one button: what comes next, or what helps where there is only waiting."""
    if timeline is None or timeline.certificate in _ENDED:
        return button(label(language, N_("🏢 Where to apply")), "related", "apply-where", language)
    if timeline.next_operation is not None:
        conversation = conversations_of(context)[timeline.next_operation]
        return button(label(language, conversation.title), "go", conversation.name)
    if timeline.certificate is CertificateState.ACTIVE:
        return lost_card_button(language)
    return button(label(language, N_("📮 When does it arrive?")), "related", "delivery", language)
