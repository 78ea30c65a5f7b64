"""Pictures of ours, sent below the message whose button asks for them.

Nothing else changes: a conversation stays at its step, and an answer stays above. Telegram keeps a
picture that was uploaded once; from then on its id is sent.
"""

from contextlib import suppress
from typing import Any

import structlog
from telegram import InlineKeyboardButton, InputFile, Message, Update
from telegram.constants import ParseMode
from telegram.error import BadRequest, Forbidden, NetworkError

from handlers.context import Context
from handlers.screen.closed_chats import is_chat_closed
from handlers.screen.text import Markup, label
from handlers.screen.view import Keyboard, button, placement, send, view
from locales.pictures import Picture, find_picture, load_picture_texts
from services.messaging.picture_files import (
    PictureKey,
    find_file_id,
    forget_file_id,
    keep_file_id,
)

ROUTE = "picture"
_HIDE = "hide"

_log = structlog.get_logger()


def picture_button(name: str, language: str) -> InlineKeyboardButton:
    """Return the button that sends a picture.

    :raises KeyError: for an unknown name.
    """
    return button(load_picture_texts(language)[name].button, ROUTE, name, language)


async def on_picture(update: Update, context: Context, parts: list[str]) -> str | None:
    """Send a picture ``[name, language]``, or delete it ``[hide]``."""
    if parts == [_HIDE]:
        return await _hide(update, context)
    picture = find_picture(*parts) if len(parts) == 2 else None
    query, chat = update.callback_query, update.effective_chat
    if picture is None or query is None or chat is None:
        return None
    pressed = query.message.message_id if query.message else 0
    tap = (chat.id, pressed, picture.name, picture.language)
    if context.services.repeated_taps.is_done(tap):
        return label(picture.language, "The picture is below.")
    await _show(update, context, picture)
    context.services.repeated_taps.mark_done(tap)
    return ""


async def _show(update: Update, context: Context, picture: Picture) -> None:
    """Send a picture, or at least what it shows."""
    try:
        await _send(update, context, picture)
    except NetworkError as error:
        if is_chat_closed(error) and not _forbids_pictures(error):
            raise
        _log.warning("picture_not_sent", picture=picture.name, error=type(error).__name__)
        await send(update, context, view(Markup(picture.caption)))


async def _send(update: Update, context: Context, picture: Picture) -> None:
    """Send a picture by its id, or upload it where Telegram has none, or no longer."""
    key = PictureKey(context.bot.id, picture.hash, picture.language)
    async with context.services.database.reading() as session:
        file_id = await find_file_id(session, key)
    if file_id is not None:
        try:
            await _send_photo(update, context, picture, file_id)
        except BadRequest as error:
            if is_chat_closed(error):
                raise
            _log.info("picture_uploaded_again", picture=picture.name)
            async with context.services.database.unit_of_work() as session:
                await forget_file_id(session, key)
        else:
            return
    upload = InputFile(picture.content, filename=f"{picture.name}.png")
    sent = await _send_photo(update, context, picture, upload)
    if sent.photo:
        async with context.services.database.unit_of_work() as session:
            await keep_file_id(session, key, sent.photo[-1].file_id)


async def _send_photo(
    update: Update, context: Context, picture: Picture, photo: str | InputFile
) -> Message:
    assert update.effective_chat is not None
    where: dict[str, Any] = placement(update)
    hide = button(label(picture.language, "✖️ Hide the picture"), ROUTE, _HIDE)
    return await context.bot.send_photo(
        update.effective_chat.id,
        photo,
        caption=picture.caption,
        parse_mode=ParseMode.HTML,
        reply_markup=Keyboard([[hide]]),
        **where,
    )


def _forbids_pictures(error: NetworkError) -> bool:
    """Whether a group takes texts, but no pictures."""
    return "photos" in error.message


async def _hide(update: Update, context: Context) -> str:
    """Delete the picture whose button was pressed."""
    query = update.callback_query
    message = query.message if query else None
    if isinstance(message, Message):
        with suppress(BadRequest, Forbidden):
            await message.delete()
            return ""
    return label(context.language(update), "I can no longer delete it. Please delete it yourself.")
