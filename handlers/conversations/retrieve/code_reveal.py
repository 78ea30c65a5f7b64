"""Showing a subscriber code for a minute: under a spoiler, in a protected message.

A message without the code is sent first and its deletion scheduled; then the code is edited into
it. So no code stays in a chat where the process is killed at any moment.
"""

import json
from datetime import timedelta

from telegram import Bot, CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.constants import ParseMode
from telegram.error import BadRequest, Forbidden

from handlers.context import Context
from handlers.engine.model import StepContext
from handlers.identity.step_data import GRANT
from handlers.screen.text import label, say
from services import jobs
from services.authority.data_types import RevealedCode
from services.authority.errors import CodeUnrecoverableError, GrantExpiredError
from services.authority.interface.credentials import Credentials
from services.formats.hidden import Hidden
from services.storage.models import Job

DUE_KIND = "erase"
"""The kind of the job that deletes the message; `run_erase_job` does it."""
CODE_VISIBLE_FOR = timedelta(seconds=60)
"""How long a retrieved code stays in the chat."""
_GONE = "not found"


async def show_code(credentials: Credentials, context: Context, ctx: StepContext) -> None:
    """Show the subscriber code in a new message, and delete earlier messages with it."""
    bot, language = context.bot, ctx.language
    waiting = say(language, "🔑 One moment…")
    sent = await bot.send_message(
        ctx.chat_id, waiting, parse_mode=ParseMode.HTML, protect_content=True
    )
    try:
        revealed, shown_before = await _reveal(credentials, context, ctx, sent.message_id)
    except (GrantExpiredError, CodeUnrecoverableError):
        await delete_code_message(bot, ctx.chat_id, sent.message_id, language)
        return
    try:
        await _edit_in_code(bot, ctx, sent.message_id, revealed.code)
    except BadRequest as error:
        if _GONE not in error.message.lower():
            raise
        return  # another process handled the same tap, and shows the code below
    for message_id in shown_before:
        await delete_code_message(bot, ctx.chat_id, message_id, language)


async def _edit_in_code(bot: Bot, ctx: StepContext, message_id: int, code: Hidden) -> None:
    language, revealed = ctx.language, code.reveal()
    copy_button = InlineKeyboardButton(
        label(language, "📋 Copy the code"), copy_text=CopyTextButton(revealed)
    )
    await bot.edit_message_text(
        say(
            language,
            "🔑 Tap to see your subscriber code (用戶代碼):\n"
            "\n"
            "<tg-spoiler>{code}</tg-spoiler>\n"
            "\n"
            "This message disappears in {seconds} seconds. Write the code down on paper.",
            code=revealed,
            seconds=int(CODE_VISIBLE_FOR.total_seconds()),
        ),
        ctx.chat_id,
        message_id,
        parse_mode=ParseMode.HTML,
        reply_markup=InlineKeyboardMarkup([[copy_button]]),
    )


async def _reveal(
    credentials: Credentials, context: Context, ctx: StepContext, message_id: int
) -> tuple[RevealedCode, list[int]]:
    """Reveal the code and schedule the deletion of its message.

    Returns the code, and the ids of earlier messages that may still show it.
    """
    services, now = context.services, context.services.now()
    reference = {"chat": ctx.chat_id, "message": message_id, "language": ctx.language}
    async with services.database.unit_of_work() as session:
        revealed = await credentials.reveal_code(session, ctx.data[GRANT], ctx.chat_id, now)
        prefix = f"{DUE_KIND}/{ctx.chat_id}/"
        before = [int(number) for number in await jobs.references_with_prefix(session, prefix)]
        key = f"{prefix}{message_id}"
        text, wait = json.dumps(reference), CODE_VISIBLE_FOR
        await jobs.schedule_after(session, DUE_KIND, key, wait, now, text)
    return revealed, before


async def run_erase_job(bot: Bot, row: Job) -> None:
    """Delete the message of a code that was shown long enough."""
    reference = json.loads(row.reference)
    await delete_code_message(bot, reference["chat"], reference["message"], reference["language"])


async def delete_code_message(bot: Bot, chat_id: int, message_id: int, language: str) -> None:
    """Delete a message of the bot, or replace its text where it is too old to be deleted."""
    try:
        await bot.delete_message(chat_id, message_id)
    except Forbidden:
        return  # the person has blocked the bot
    except BadRequest as error:
        if _GONE not in error.message.lower():
            await _replace_text(bot, chat_id, message_id, language)


async def _replace_text(bot: Bot, chat_id: int, message_id: int, language: str) -> None:
    text = say(language, "🔒 Your code was shown here and has been removed.")
    try:
        await bot.edit_message_text(text, chat_id, message_id, parse_mode=ParseMode.HTML)
    except BadRequest as error:
        if not any(each in error.message.lower() for each in ("not modified", _GONE)):
            raise
