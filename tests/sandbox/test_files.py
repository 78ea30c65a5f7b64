"""Files the bot sends and fetches."""

import struct

import pytest

from sandbox.bot_api.image_size import read_image_size
from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from sandbox.world.file_store import UploadedFile
from tests.sandbox.conftest import BotCaller

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 640, 480) + b"\x08\x06\0\0\0"
GIF = b"GIF89a" + struct.pack("<HH", 3, 2)
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x04\x00\x00\xff\xc0\x00\x0b\x08"
    + struct.pack(">HH", 20, 10)
    + b"\x03\x01"
)


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (PNG, {"width": 640, "height": 480}),
        (GIF, {"width": 3, "height": 2}),
        (JPEG, {"width": 10, "height": 20}),
        (b"%PDF-1.7", None),
        (b"\xff\xd8\xff", None),
    ],
)
def test_the_size_of_a_picture_is_read(content: bytes, size: dict[str, int] | None) -> None:
    assert read_image_size(content) == size


async def test_a_document_is_sent_and_fetched(
    bot: BotCaller, engine: Engine, ann: TelegramClient
) -> None:
    upload = UploadedFile("form.pdf", b"%PDF-1.7 form", "application/pdf")
    sent = await bot.call(
        "sendDocument",
        {"document": upload},
        chat_id=ann.id,
        caption="<i>The form</i>",
        parse_mode="HTML",
    )
    document = sent["document"]
    assert (document["file_name"], document["mime_type"]) == ("form.pdf", "application/pdf")
    assert sent["caption_entities"][0]["type"] == "italic"
    found = await bot.call("getFile", file_id=document["file_id"])
    stored = engine.world.files.find_by_path(found["file_path"])
    assert stored is not None
    assert stored.upload.content == upload.content
    again = await bot.call("sendDocument", chat_id=ann.id, document=document["file_id"])
    assert again["document"] == document


async def test_a_photo_says_its_size(bot: BotCaller, ann: TelegramClient) -> None:
    files = {"pic": UploadedFile("card.png", PNG, "image/png")}
    sent = await bot.call(
        "sendPhoto",
        files,
        chat_id=ann.id,
        photo="attach://pic",
        caption="x",
        has_spoiler=True,
        show_caption_above_media=True,
    )
    assert (sent["photo"][0]["width"], sent["photo"][0]["height"]) == (640, 480)
    assert sent["has_media_spoiler"] is True
    edited = await bot.call(
        "editMessageCaption", chat_id=ann.id, message_id=sent["message_id"], caption="new"
    )
    assert edited["caption"] == "new"
    refusal = await bot.call_refused(
        "editMessageText", chat_id=ann.id, message_id=sent["message_id"], text="new"
    )
    assert refusal == "Bad Request: there is no text in the message to edit"


async def test_a_sticker_is_sent(bot: BotCaller, ann: TelegramClient) -> None:
    files = {"sticker": UploadedFile("s.webp", b"RIFF....WEBP", "image/webp")}
    sent = await bot.call("sendSticker", files, chat_id=ann.id, emoji="👍")
    assert sent["sticker"]["emoji"] == "👍"


async def test_what_is_no_file(bot: BotCaller, engine: Engine, ann: TelegramClient) -> None:
    async def refused(**params: object) -> str:
        return await bot.call_refused("sendPhoto", chat_id=ann.id, **params)

    assert await refused() == "Bad Request: there is no photo in the request"
    assert await refused(photo="attach://p") == "Bad Request: there is no photo in the request"
    assert await refused(photo="AgAD") == "Bad Request: wrong file identifier/HTTP URL specified"
    assert "HTTP URL content" in await refused(photo="https://moica.nat.gov.tw/x.png")
    assert "caption is too long" in await refused(photo="x", caption="x" * 1025)
    for content, words in ((b"text", "IMAGE_PROCESS_FAILED"), (b"", "file must be non-empty")):
        answer = await engine.call(
            "sendPhoto", {"chat_id": ann.id}, {"photo": UploadedFile("a.png", content)}
        )
        assert answer["description"] == f"Bad Request: {words}"
    assert await bot.call_refused("getFile") == "Bad Request: file_id not specified"
    assert "temporarily unavailable" in await bot.call_refused("getFile", file_id="x")


async def test_a_copied_photo_may_have_another_caption(bot: BotCaller, ann: TelegramClient) -> None:
    photo = ann.send_media("photo", "old")
    await bot.call(
        "copyMessage",
        chat_id=ann.id,
        from_chat_id=ann.id,
        message_id=photo["message_id"],
        caption="new",
    )
    assert ann.transcript()["messages"][-1]["caption"] == "new"
