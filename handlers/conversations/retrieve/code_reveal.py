"""Showing a code for a minute: under a spoiler, protected, and gone from the chat by itself.

A message without the code is sent first and its end put down; only then the code is written into
it. So whatever is cut off, no code stays in a chat.
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
from services.authority.errors import CodeUnrecoverableError, GrantExpiredError
from services.authority.interface.credentials import Credentials
from services.authority.values import RevealedCode
from services.formats.hidden import Hidden
from services.storage.models import Job

DUE_KIND = "erase"
"""What falls due when a code has been shown long enough; `erase_due` does it."""
CODE_VISIBLE_FOR = timedelta(seconds=60)
"""How long a retrieved code stays in the chat."""
_GONE = "not found"


async def show_code(credentials: Credentials, context: Context, ctx: StepContext) -> None:
    """Show the subscriber code that a grant gives back."""
    bot, language = context.bot, ctx.language
    waiting = say(language, "🔑 One moment…")
    sent = await bot.send_message(
        ctx.chat_id, waiting, parse_mode=ParseMode.HTML, protect_content=True
    )
    try:
        revealed, shown_before = await _reveal(credentials, context, ctx, sent.message_id)
    except (GrantExpiredError, CodeUnrecoverableError):
        await erase(bot, ctx.chat_id, sent.message_id, language)
        return
    try:
        await _write(bot, ctx, sent.message_id, revealed.code)
    except BadRequest as error:
        if _GONE not in error.message.lower():
            raise
        return  # the same tap came to another process, which has shown it below
    for message_id in shown_before:  # one copy is enough
        await erase(bot, ctx.chat_id, message_id, language)


async def _write(bot: Bot, ctx: StepContext, message_id: int, code: Hidden) -> None:
    """Write the code into its message."""
    language, revealed = ctx.language, code.reveal()
    copy = InlineKeyboardButton(
        label(language, "📋 Copy the code"), copy_text=CopyTextButton(revealed)
    )
    await bot.edit_message_text(
        say(
            language,
            "🔑 Your subscriber code (用戶代碼), tap to see it:\n\n"
            "<tg-spoiler>{code}</tg-spoiler>\n\n"
            "This message is gone in {seconds} seconds. Write the code down on paper.",
            code=revealed,
            seconds=int(CODE_VISIBLE_FOR.total_seconds()),
        ),
        ctx.chat_id,
        message_id,
        parse_mode=ParseMode.HTML,
        reply_markup=InlineKeyboardMarkup([[copy]]),
    )


async def _reveal(
    credentials: Credentials, context: Context, ctx: StepContext, message_id: int
) -> tuple[RevealedCode, list[int]]:
    """Get the code, and put down the end of the message it will stand in.

    Gives the messages beside it in which the code may still stand.
    """
    services, now = context.services, context.services.now()
    reference = {"chat": ctx.chat_id, "message": message_id, "language": ctx.language}
    async with services.database.unit_of_work() as session:
        revealed = await credentials.reveal_code(session, ctx.data[GRANT], ctx.chat_id, now)
        place = f"{DUE_KIND}/{ctx.chat_id}/"
        before = [int(number) for number in await jobs.references_with_prefix(session, place)]
        key = f"{place}{message_id}"
        await jobs.schedule(session, DUE_KIND, key, now + CODE_VISIBLE_FOR, json.dumps(reference))
    return revealed, before


async def run_erase_job(bot: Bot, row: Job) -> None:
    """Take a code away whose time is over."""
    what = json.loads(row.reference)
    await erase(bot, what["chat"], what["message"], what["language"])


async def erase(bot: Bot, chat_id: int, message_id: int, language: str) -> None:
    """Delete a message of ours; one that is too old for that is emptied."""
    try:
        await bot.delete_message(chat_id, message_id)
    except Forbidden:
        return  # blocked: the bot reaches the chat no more
    except BadRequest as error:
        if _GONE not in error.message.lower():
            await _empty(bot, chat_id, message_id, language)


async def _empty(bot: Bot, chat_id: int, message_id: int, language: str) -> None:
    text = say(language, "🔒 A code was shown here; its time is over.")
    try:
        await bot.edit_message_text(text, chat_id, message_id, parse_mode=ParseMode.HTML)
    except BadRequest as error:
        known = ("not modified", _GONE)
        if not any(each in error.message.lower() for each in known):
            raise
