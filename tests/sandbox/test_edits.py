"""Editing what was sent."""

from sandbox.client.telegram_client import TelegramClient
from tests.sandbox.conftest import BotCaller, ManualClock, inline_keyboard

YES_NO = inline_keyboard([("Yes", "y"), ("No", "n")])


async def test_an_edit_changes_text_and_keyboard(
    bot: BotCaller, ann: TelegramClient, clock: ManualClock
) -> None:
    sent = await bot.send(ann, "one", reply_markup=YES_NO)
    clock.advance(seconds=3)
    edited = await bot.call(
        "editMessageText", chat_id=ann.id, message_id=sent["message_id"], text="two"
    )
    assert (edited["text"], edited["edit_date"] - edited["date"]) == ("two", 3)
    assert "reply_markup" not in edited
    assert sent["text"] == "one", "who holds the old message keeps it"
    assert ann.transcript()["messages"][-1] == edited


async def test_an_edit_to_the_same_is_refused(bot: BotCaller, ann: TelegramClient) -> None:
    sent = await bot.send(ann, "<b>one</b>", parse_mode="HTML", reply_markup=YES_NO)
    refusal = await bot.call_refused(
        "editMessageText",
        chat_id=ann.id,
        message_id=sent["message_id"],
        text="<strong>one</strong>",
        parse_mode="HTML",
        reply_markup=YES_NO,
    )
    assert refusal == (
        "Bad Request: message is not modified: specified new message content and reply markup "
        "are exactly the same as a current content and reply markup of the message"
    )
    refusal = await bot.call_refused(
        "editMessageReplyMarkup",
        chat_id=ann.id,
        message_id=sent["message_id"],
        reply_markup=YES_NO,
    )
    assert "not modified" in refusal


async def test_what_cannot_be_edited(bot: BotCaller, ann: TelegramClient) -> None:
    theirs = ann.send("mine")["message_id"]
    with_keys = await bot.send(ann, "x", reply_markup={"keyboard": [[{"text": "A"}]]})
    long = {"chat_id": ann.id, "message_id": with_keys["message_id"] + 1, "text": "x" * 4097}
    await bot.send(ann, "short")

    async def refused(message_id: int, text: str = "new") -> str:
        return await bot.call_refused(
            "editMessageText", chat_id=ann.id, message_id=message_id, text=text
        )

    assert await refused(99) == "Bad Request: message to edit not found"
    assert await refused(theirs) == "Bad Request: message can't be edited"
    assert await refused(with_keys["message_id"]) == "Bad Request: message can't be edited"
    assert await bot.call_refused("editMessageText", **long) == "Bad Request: MESSAGE_TOO_LONG"
    assert await refused(0) == "Bad Request: message to edit not found"
    assert await refused(4, "") == "Bad Request: message text is empty"
    assert await refused(4, " ") == "Bad Request: text must be non-empty"
    assert (
        await bot.call_refused("editMessageText", text="x")
        == "Bad Request: message identifier is not specified"
    )
    assert (
        await bot.call_refused("editMessageCaption", chat_id=ann.id, message_id=4, caption="x")
        == "Bad Request: there is no caption in the message to edit"
    )


async def test_a_forwarded_message_is_not_the_bots_to_edit(
    bot: BotCaller, ann: TelegramClient
) -> None:
    sent = await bot.send(ann, "x")
    copy = await bot.call(
        "forwardMessage", chat_id=ann.id, from_chat_id=ann.id, message_id=sent["message_id"]
    )
    assert copy["forward_origin"]["sender_user"]["id"] == bot.engine.world.bot.id
    refusal = await bot.call_refused(
        "editMessageText", chat_id=ann.id, message_id=copy["message_id"], text="y"
    )
    assert refusal == "Bad Request: message can't be edited"


async def test_an_edited_message_with_an_effect_keeps_it(
    bot: BotCaller, ann: TelegramClient
) -> None:
    sent = await bot.send(ann, "x", message_effect_id="5104841245755180586")
    ids = {"chat_id": ann.id, "message_id": sent["message_id"]}
    edited = await bot.call("editMessageText", **ids, text="y")
    assert edited["effect_id"] == sent["effect_id"] == "5104841245755180586"
