"""Free text: a question in, the answer out; when unsure, what may be meant; never silence."""

import re

from telegram import Message, MessageEntity, Update
from telegram.constants import ChatType

from handlers.context import Context
from handlers.engine import message_handler
from handlers.faq import answers, courtesies
from handlers.screen.view import send
from services.faq import error_codes, unanswered
from services.faq.search import Answer

LONG = 600
"""Characters beyond which a question that is not understood is called long."""
LONGEST = 2000
"""Characters of a message that are searched."""
_OFFERED = 3
_WORTH_OFFERING = 0.05
"""Score below which a hit is no guess worth showing (docs/search.md)."""
_HAS_WORD = re.compile("[^\\W\\d_]{3}|[\u3400-\u9fff]")
"""Three letters, or a Han character: less says nothing of the language."""


async def on_text(update: Update, context: Context) -> None:
    """Answer a text, where it is meant for us."""
    message = update.effective_message
    if message is None or (message.via_bot and message.via_bot.id == context.bot.id):
        return  # an answer of ours, sent here by inline mode
    question = _addressed(message, context.bot.username)
    if question is not None:
        await answer_question(update, context, question)


async def answer_question(update: Update, context: Context, question: str) -> None:
    """Answer `question`, or ask back."""
    text = question[:LONGEST]
    if message_handler.button_for(text) is not None:
        await message_handler.say_nothing_open(update, context)
        return
    codes = error_codes.find_codes(text)
    if codes:
        language = _language(update, context, text, context.services.search.search(text, 1))
        await send(
            update, context, answers.error_code_view(context.services.entries, codes, language)
        )
        return
    found = context.services.search.search(text, _OFFERED)
    language = _language(update, context, text, found)
    courtesy = courtesies.reply_to_courtesy(text, language)
    if courtesy is not None:
        await send(update, context, courtesy)
        return
    if found.is_trouble:
        await send(update, context, answers.trouble_view(language))
        return
    entries = context.services.entries
    if found.confident and found.results:
        shown = answers.answer_view(entries, found.results[0].id, language)
        assert shown is not None
        await send(update, context, shown)
        return
    offered = [hit.id for hit in found.results if hit.score >= _WORTH_OFFERING]
    await send(
        update, context, answers.suggestions_view(entries, offered, language, len(question) > LONG)
    )
    if not context.is_confidential:
        await _note(context, text, language)


def _language(update: Update, context: Context, text: str, found: Answer) -> str:
    """Give the language of a text; where it has none, the one that is spoken with who wrote."""
    return found.language if _HAS_WORD.search(text) else context.language(update)


async def _note(context: Context, question: str, language: str) -> None:
    services = context.services
    async with services.database.unit_of_work() as session:
        await unanswered.note(session, question, language, services.now())


def _addressed(message: Message, username: str) -> str | None:
    """Give the question in a message, or `None` where it is not put to us.

    In a group only a mention or a reply to one of our messages is.
    """
    text = message.text or message.caption or ""
    if message.chat.type == ChatType.PRIVATE:
        return text
    if message.chat.type == ChatType.CHANNEL:
        return None
    mention = f"@{username}".casefold()
    named = message.parse_entities([MessageEntity.MENTION]) or message.parse_caption_entities(
        [MessageEntity.MENTION]
    )
    if any(name.casefold() == mention for name in named.values()):
        return re.sub(re.escape(mention), " ", text, flags=re.IGNORECASE).strip()
    asked = message.reply_to_message.from_user if message.reply_to_message else None
    is_ours = asked is not None and f"@{asked.username}".casefold() == mention
    return text if is_ours else None
