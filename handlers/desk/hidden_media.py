"""Pictures and files of subscribers in the staff group: hidden until tapped, and not passed on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telegram import (
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
    Message,
    ReplyParameters,
)
from telegram.constants import ParseMode
from telegram.ext import ExtBot

from services.desk.call_types import MediaFile

_Item = InputMediaPhoto | InputMediaVideo | InputMediaDocument


@dataclass(frozen=True)
class MediaPlace:
    """Where media are sent.

    :ivar reply_to: the message there that they reply to.
    """

    chat: int
    topic: int | None
    reply_to: int | None = None


def find_media_file(message: Message) -> MediaFile | None:
    """Return the picture, video or file in a message; `None` where it is something else."""
    caption = message.caption_html if message.caption else ""
    if message.photo:
        return MediaFile("photo", message.photo[-1].file_id, caption)
    if message.video is not None:
        return MediaFile("video", message.video.file_id, caption)
    if message.document is not None and message.animation is None:
        return MediaFile("document", message.document.file_id, caption)
    return None


async def send_hidden(bot: ExtBot[Any], place: MediaPlace, files: Sequence[MediaFile]) -> list[int]:
    """Send media by the ids of their files, several as an album; return the messages' ids.

    :raises TelegramError: where that fails.
    """
    options: dict[str, Any] = {
        "message_thread_id": place.topic,
        "protect_content": True,
        "rate_limit_args": True,
    }
    if place.reply_to is not None:
        reply = ReplyParameters(place.reply_to, allow_sending_without_reply=True)
        options["reply_parameters"] = reply
    if len(files) > 1:
        items = [_ITEMS[file.kind](file) for file in files]
        sent = await bot.send_media_group(place.chat, items, **options)
        return [message.message_id for message in sent]
    (file,) = files
    options |= {"caption": file.caption or None, "parse_mode": ParseMode.HTML}
    if file.kind == "photo":
        one = await bot.send_photo(place.chat, file.file_id, has_spoiler=True, **options)
    elif file.kind == "video":
        one = await bot.send_video(place.chat, file.file_id, has_spoiler=True, **options)
    else:
        one = await bot.send_document(place.chat, file.file_id, **options)
    return [one.message_id]


def _photo(file: MediaFile) -> InputMediaPhoto:
    return InputMediaPhoto(file.file_id, file.caption or None, ParseMode.HTML, has_spoiler=True)


def _video(file: MediaFile) -> InputMediaVideo:
    caption = file.caption or None
    return InputMediaVideo(
        file.file_id, caption=caption, parse_mode=ParseMode.HTML, has_spoiler=True
    )


def _document(file: MediaFile) -> InputMediaDocument:
    return InputMediaDocument(file.file_id, file.caption or None, ParseMode.HTML)


_ITEMS: Mapping[str, Callable[[MediaFile], _Item]] = {
    "photo": _photo,
    "video": _video,
    "document": _document,
}
