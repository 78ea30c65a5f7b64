"""Handlers of everything else: media, contacts, unknown commands, and outdated buttons."""

from contextlib import suppress

from telegram import Message, Update
from telegram.constants import ChatType
from telegram.error import BadRequest, Forbidden

from handlers.context import Context
from handlers.faq import answers
from handlers.faq.questions import on_question
from handlers.screen.text import label, say
from handlers.screen.view import View, button, send, show, view
from handlers.start import help_view


async def on_media(update: Update, context: Context) -> None:
    """Answer a message without text, by its kind; a caption is taken as a question."""
    message = update.effective_message
    if not isinstance(message, Message):
        return
    if message.caption:
        await on_question(update, context)
    elif message.chat.type == ChatType.PRIVATE:
        await send(update, context, _media_reply(message, context.language(update)))


def _media_reply(message: Message, language: str) -> View:
    if message.photo or message.video or (message.document and not message.animation):
        text = say(
            language,
            "I can't read pictures or files. <b>If this one shows your card or application "
            "form, delete it</b>: the form has your subscriber code on it.\n"
            "\n"
            "Please type your question, or the error code you see.",
        )
        delete = button(label(language, "🗑 Delete it"), "delete", str(message.message_id))
        return view(text, [delete], answers.more_row(language))
    if message.voice or message.audio or message.video_note:
        text = say(language, "I can't play recordings. Please type your question.")
    elif message.contact or message.location or message.venue:
        text = say(
            language,
            "I don't need your contacts or location, and they were not saved. Please type your "
            "question.",
        )
    else:
        text = say(language, "Please type your question.")
    return view(text, answers.more_row(language))


async def on_delete(update: Update, context: Context, parts: list[str]) -> str | None:
    """Delete the person's picture ``[message id]``, in a private chat only."""
    chat = update.effective_chat
    language = context.language(update)
    if chat is None or chat.type != ChatType.PRIVATE or not parts[0].isdecimal():
        return None
    with suppress(BadRequest, Forbidden):
        if await context.bot.delete_message(chat.id, int(parts[0])):
            text = say(language, "Deleted. Please type your question.")
            await show(update, context, view(text, answers.more_row(language)))
            return label(language, "Deleted.")
    return label(language, "I can no longer delete it. Please delete it yourself.")


async def on_unknown_command(update: Update, context: Context) -> None:
    """Answer an unknown command, in a private chat only: in a group it is for another bot."""
    chat = update.effective_chat
    if chat is None or chat.type != ChatType.PRIVATE:
        return
    language = context.language(update)
    text = say(language, "I don't know this command.")
    await send(update, context, help_view(context, language, above=text))


def stale_button(language: str) -> str:
    """Return the toast for a button that no route accepts."""
    return label(language, "This button no longer works. Please type your question, or send /faq.")
