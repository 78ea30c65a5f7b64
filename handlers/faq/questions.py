"""Answers to free text: questions, error codes, greetings and thanks."""

import re
from functools import cache

from telegram import Message, Update
from telegram.constants import ChatType

import locales
from handlers.context import Context
from handlers.engine import message_handler
from handlers.faq import answers
from handlers.faq.other_languages import other_language_view
from handlers.screen.text import label, say
from handlers.screen.view import View, button, send, view
from services.faq import error_codes, unanswered
from services.faq.search import SearchResult
from services.formats.text_cleaning import plain_words

LONG = 600
"""The length in characters above which a question without an answer is called long."""
LONGEST = 2000
"""The number of characters of a message that are searched."""
_MAX_SUGGESTIONS = 3
_MIN_SCORE = 0.05
"""The score below which a hit is not suggested (docs/search.md)."""
_HAS_WORD = re.compile("[^\\W\\d_]{3}|[\u3400-\u9fff]")
"""Three letters, or a Han character; the language of a text without them is unknown."""

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


async def on_question(update: Update, context: Context) -> None:
    """Answer a text that is addressed to the bot."""
    message = update.effective_message
    if message is None or (message.via_bot and message.via_bot.id == context.bot.id):
        return  # an answer of the bot, sent by inline mode
    question = addressed_question(message, context.bot.username)
    if question is not None:
        await answer_question(update, context, question)


async def answer_question(update: Update, context: Context, question: str) -> None:
    """Send the answer to a question, or suggest similar questions."""
    text, words = question[:LONGEST], plain_words(question)
    if words in message_handler.TYPED_BUTTONS:
        await message_handler.say_nothing_open(update, context)
        return
    codes = error_codes.find_codes(text)
    answer = context.services.search.search(text, 1 if codes else _MAX_SUGGESTIONS)
    language = _language(update, context, text, answer)
    if codes:
        reply = answers.error_code_view(context.services.entries, codes, language)
        await send(update, context, reply)
        return
    known = _reply_to_courtesy(words, language) or _answer(update, context, answer, language)
    if known is not None:
        await send(update, context, known)
        return
    is_spoken = answer.language in locales.LANGUAGES
    if context.is_passed_on:
        await send(update, context, view(say(language, "📨 Passed on to our staff.")))
        return
    offer = None if is_spoken else other_language_view(answer.language)
    if offer is None:
        similar = [hit.id for hit in answer.results if hit.score >= _MIN_SCORE]
        is_long = len(question) > LONG
        offer = answers.suggestions_view(context.services.entries, similar, language, is_long)
        if context.offers_person(update):
            offer = answers.add_person_row(offer, language, "")
    await send(update, context, offer)
    if not context.is_confidential:
        await _store_unanswered(context, text, language if is_spoken else answer.language)


def _answer(update: Update, context: Context, answer: SearchResult, language: str) -> View | None:
    """Return the view of a confident answer; `None` where there is none."""
    if answer.is_trouble:
        return answers.trouble_view(language)
    if not (answer.confident and answer.results):
        return None
    entry_id = answer.results[0].id
    shown = answers.find_answer(context, entry_id, language)
    assert shown is not None
    if entry_id == answers.PERSON_ENTRY and context.offers_person(update):
        return answers.add_person_row(shown, language, entry_id)
    return shown


def _language(update: Update, context: Context, text: str, answer: SearchResult) -> str:
    """Return the language to answer in: that of the text, or else the person's.

    A text has none where it has no words, or is in a language that is not spoken here.
    """
    is_spoken = answer.language in locales.LANGUAGES and _HAS_WORD.search(text)
    return answer.language if is_spoken else context.language(update)


async def _store_unanswered(context: Context, question: str, language: str) -> None:
    services = context.services
    async with services.database.unit_of_work() as session:
        await unanswered.record_question(session, question, language, services.now())


def addressed_question(message: Message, username: str) -> str | None:
    """Return the question in a message, `None` where it is not addressed to the bot.

    In a group, a message is addressed by a mention of the bot or as a reply to it.
    """
    text = message.text or message.caption or ""
    if message.chat.type == ChatType.PRIVATE:
        return text
    if message.chat.type == ChatType.CHANNEL:
        return None
    mention = _mention(username)
    if mention.search(text):
        return mention.sub(" ", text).strip()
    author = message.reply_to_message.from_user if message.reply_to_message else None
    is_reply_to_bot = author is not None and bool(mention.fullmatch(f"@{author.username}"))
    return text if is_reply_to_bot else None


@cache
def _mention(username: str) -> re.Pattern[str]:
    """Return the pattern of a mention; PTB copies the whole text for every entity in it."""
    return re.compile(rf"(?<!\w)@{re.escape(username)}(?!\w)", re.IGNORECASE)


def is_courtesy(text: str) -> bool:
    """Whether a text is a greeting or thanks, and no question."""
    return _reply_to_courtesy(plain_words(text), locales.DEFAULT) is not None


def _reply_to_courtesy(words: str, language: str) -> View | None:
    """Return the reply to a greeting or to thanks; `None` for the words of a question."""
    if words in GREETINGS:
        hello = say(language, "👋 Hello! <b>Just type your question</b>, or choose a button.")
        guides = button(label(language, "🧭 Step-by-step guides"), "guides", language)
        return view(hello, [guides], [answers.triage_button(language)], answers.more_row(language))
    if words in THANKS or (words and not words.strip(_SMILEYS)):
        welcome = say(language, "👍 You're welcome. If you have another question, just type it.")
        return view(welcome, answers.more_row(language))
    return None
