"""The vote buttons under every answer."""

from contextlib import suppress

from telegram import Update
from telegram.error import BadRequest

import locales
from handlers.context import Context
from handlers.faq import answers
from handlers.screen.text import label
from handlers.screen.view import View
from services.faq import votes


async def on_vote(update: Update, context: Context, parts: list[str]) -> str | None:
    """Store a vote ``[entry, language, 1 or 0]`` and mark it under the answer."""
    services, query, user = context.services, update.callback_query, update.effective_user
    assert query is not None
    assert user is not None
    match parts:
        case [entry_id, language, ("0" | "1") as vote] if language in locales.LANGUAGES:
            entry, helpful = services.entries.get(entry_id, language), vote == "1"
        case _:
            return None
    if entry is None:
        return None
    async with services.database.unit_of_work() as session:
        changed = await votes.record_vote(
            session, user.id, entry.id, language, helpful, services.now()
        )
    mode = answers.find_mode(context, entry)
    keyboard = answers.voted_keyboard(services.entries, entry, mode, helpful)
    if not helpful and context.offers_person(update):
        shown = answers.add_person_row(View((), keyboard), language, entry.id)
        keyboard = shown.keyboard or keyboard
    with suppress(BadRequest):  # marked already, or the message is too old to be edited
        await query.edit_message_reply_markup(keyboard)
    if not changed:
        return label(language, "You've already rated this answer.")
    if helpful:
        return label(language, "Thank you!")
    return label(language, "Thank you. We will improve this answer.")
