"""Inline search for the staff: what is chosen is the code of an answer, sent into the topic.

Telegram does not say in which chat somebody searches, so no answer could be in the language of
the ticket. The code is read in its topic like one that was typed.
"""

from telegram import InlineQuery, InlineQueryResultArticle, InputTextMessageContent
from telegram.constants import ChatType

from handlers.context import Context
from handlers.desk.library_answers import library_of
from services.desk import staff
from services.desk.library import LibraryAnswer


async def find_code_results(
    query: InlineQuery, context: Context
) -> list[InlineQueryResultArticle] | None:
    """Return the answers that a member of the staff searches for in a group; else `None`."""
    desk, services = context.services.desk, context.services
    if desk is None or desk.group_id is None or query.chat_type != ChatType.SUPERGROUP:
        return None
    async with services.database.unit_of_work() as session:
        user, now = query.from_user.id, services.now()
        actor = await staff.find_actor(session, user, desk.admins, now)
    if actor is None:
        return None
    if services.secret_detector.find(query.query) is not None:
        return []
    hits = library_of(services).find(query.query.lstrip("/ "), services.search)
    found = (hits.chosen, *hits.listed) if hits.chosen else hits.listed
    return [_result(each, desk.language) for each in found]


def _result(answer: LibraryAnswer, language: str) -> InlineQueryResultArticle:
    reference = f"/{answer.code}"
    content = InputTextMessageContent(reference)
    return InlineQueryResultArticle(
        answer.id, f"📤 {answer.title(language)}", content, description=reference
    )
