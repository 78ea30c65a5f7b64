"""Free text: a question gets its answer or suggestions, a greeting or thanks a reply."""

import re

from telegram import Message, MessageEntity, Update
from telegram.constants import ChatType

from handlers.context import Context
from handlers.engine import message_handler
from handlers.faq import answers
from handlers.screen.text import label, say
from handlers.screen.view import View, button, send, view
from services.faq import error_codes, unanswered
from services.faq.search import SearchResult

LONG = 600
"""Characters beyond which a question that is not understood is called long."""
LONGEST = 2000
"""Characters of a message that are searched."""
_OFFERED = 3
_WORTH_OFFERING = 0.05
"""Score below which a hit is no guess worth showing (docs/search.md)."""
_HAS_WORD = re.compile("[^\\W\\d_]{3}|[\u3400-\u9fff]")
"""Three letters, or a Han character: less says nothing of the language."""

GREETINGS = frozenset({
    "hi", "hello", "hello there", "hi there", "hey", "good morning", "good afternoon",
    "good evening",
    "你好", "您好", "妳好", "哈囉", "哈啰", "嗨", "嘿", "早", "早安", "午安", "晚安", "安安",
    "有人嗎", "有人吗", "在嗎", "在吗",
})  # fmt: skip
THANKS = frozenset({
    "thanks", "thank you", "thank you so much", "thank you very much", "thanks a lot",
    "many thanks", "thx", "ok", "okay", "ok thanks", "ok thank you", "great", "great thanks",
    "good", "perfect", "i see", "got it", "bye", "goodbye",
    "謝謝", "谢谢", "謝謝你", "谢谢你", "謝謝您", "谢谢您", "多謝", "多谢", "感謝", "感谢", "感恩",
    "謝啦", "謝了", "好", "好的", "好喔", "好哦", "了解", "瞭解", "知道了", "我知道了", "收到",
    "明白", "明白了", "再見", "掰掰", "拜拜",
})  # fmt: skip
_SMILEYS = " 👍🙏👌❤️😊🎉"
_LONGEST_COURTESY = 24
_PUNCTUATION = str.maketrans(dict.fromkeys("。！!．.,，～~、", " "))


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
    courtesy = _reply_to_courtesy(text, language)
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


def _language(update: Update, context: Context, text: str, found: SearchResult) -> str:
    """Return the language of a text; where it has none, the one that is spoken with who wrote."""
    return found.language if _HAS_WORD.search(text) else context.language(update)


async def _note(context: Context, question: str, language: str) -> None:
    services = context.services
    async with services.database.unit_of_work() as session:
        await unanswered.record_question(session, question, language, services.now())


def _addressed(message: Message, username: str) -> str | None:
    """Return the question in a message, or `None` where it is not put to us.

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


def _reply_to_courtesy(text: str, language: str) -> View | None:
    """Return the reply to a greeting or to thanks; `None` where the text is a question."""
    if len(text) > _LONGEST_COURTESY:
        return None
    words = " ".join(text.translate(_PUNCTUATION).casefold().split())
    if words in GREETINGS:
        hello = say(language, "👋 Hello! <b>Just type your question</b>, or choose.")
        guides = button(label(language, "🧭 Guides, step by step"), "guides", language)
        return view(hello, [guides], [answers.triage_button(language)], answers.more_row(language))
    if words in THANKS or (words and not words.strip(_SMILEYS)):
        here = say(language, "👍 I am here whenever you need me. Just type your question.")
        return view(here, answers.more_row(language))
    return None
