"""What may stand under a message, and what happens when it is pressed."""

import json
from typing import Any

import pytest

from sandbox.bot_api.params.message_params import SendMessage
from sandbox.bot_api.params.parsing import parse_params
from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from sandbox.errors import PersonError
from tests.sandbox.conftest import BotCaller, ManualClock, inline_keyboard


def button(**fields: object) -> dict[str, Any]:
    return {"inline_keyboard": [[fields]]}


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        (button(text="x", callback_data="é" * 32 + "x"), "BUTTON_DATA_INVALID"),
        (button(text="x"), "Text buttons are unallowed in the inline keyboard"),
        (button(text="x", callback_data=""), "Text buttons are unallowed in the inline keyboard"),
        (
            button(callback_data="x"),
            "can't parse inline keyboard button: Can't find field \"text\"",
        ),
        (button(text="x", calback_data="x"), 'unknown field "calback_data"'),
        (button(text=["x"], callback_data="x"), 'Field "text" must be of type String'),
        (button(text="x", callback_data="x", url="a.b"), "one type of button only"),
        (
            button(text="x", url="http://localhost/"),
            "inline keyboard button URL 'http://localhost/' is invalid: Wrong HTTP URL",
        ),
        (button(text="x", url="ftp://a.b"), "Unsupported URL protocol"),
        (button(text="x", pay=True), "BUTTON_TYPE_INVALID"),
        (button(text="x", callback_data="x", style="pink"), "invalid button style specified"),
        (inline_keyboard(*[[("x", "x")] * 8] * 13), "reply markup is too long"),
        (button(text="x", copy_text={"text": "x" * 257}), "BUTTON_COPY_TEXT_INVALID"),
        ({"inline_keyboard": [{"text": "x"}]}, "can't parse"),
        (
            {"keyboard": [[{"text": "x"}]], "input_field_placeholder": "x" * 65},
            "REPLY_MARKUP_PLACEHOLDER_INVALID",
        ),
        ({"keyboard": [[{"text": str(n)} for n in range(301)]]}, "reply markup is too long"),
        ({"inline_keyboard": [[{"text": "x", "url": "a.b"}]], "selective": True}, "unknown field"),
    ],
)
async def test_what_is_no_keyboard(
    bot: BotCaller, ann: TelegramClient, markup: dict[str, Any], words: str
) -> None:
    refusal = await bot.call_refused("sendMessage", chat_id=ann.id, text="x", reply_markup=markup)
    assert refusal.startswith("Bad Request: ")
    assert words in refusal


async def test_links_are_written_as_telegram_writes_them(
    bot: BotCaller, ann: TelegramClient
) -> None:
    sent = await bot.send(ann, "x", reply_markup=button(text="x", url="MOICA.nat.gov.tw/A?b"))
    assert sent["reply_markup"]["inline_keyboard"][0][0]["url"] == "http://moica.nat.gov.tw/A?b"


async def test_empty_rows_vanish(bot: BotCaller, ann: TelegramClient) -> None:
    sent = await bot.send(ann, "x", reply_markup={"inline_keyboard": [[], []]})
    assert "reply_markup" not in sent


async def test_a_pressed_button_asks_and_is_answered_once(
    bot: BotCaller, ann: TelegramClient
) -> None:
    sent = await bot.send(ann, "x", reply_markup=inline_keyboard([("Yes", "v1:yes")]))
    query_id = ann.press(sent["message_id"], text="Yes")
    kind, query = (await bot.take_updates())[-1]
    assert (kind, query["id"], query["data"]) == ("callback_query", query_id, "v1:yes")
    assert query["message"] == sent
    await bot.call("answerCallbackQuery", callback_query_id=query_id, text="Well", show_alert=True)
    answer = await bot.engine.world.queries.wait_for_answer(query_id, 10.0)
    assert answer == {"text": "Well", "show_alert": True}
    refusal = await bot.call_refused("answerCallbackQuery", callback_query_id=query_id)
    assert refusal == (
        "Bad Request: query is too old and response timeout expired or query ID is invalid"
    )


async def test_a_press_is_answered_in_time_or_not_at_all(
    bot: BotCaller, ann: TelegramClient, clock: ManualClock
) -> None:
    sent = await bot.send(ann, "x", reply_markup=inline_keyboard([("Yes", "y")]))
    query_id = ann.press(sent["message_id"], "y")
    clock.advance(seconds=16)
    assert "query is too old" in await bot.call_refused(
        "answerCallbackQuery", callback_query_id=query_id
    )
    assert await bot.engine.world.queries.wait_for_answer(query_id, 0) is None


async def test_a_toast_has_200_characters_at_most(bot: BotCaller, ann: TelegramClient) -> None:
    sent = await bot.send(ann, "x", reply_markup=inline_keyboard([("Yes", "y")]))
    query_id = ann.press(sent["message_id"], "y")
    refusal = await bot.call_refused(
        "answerCallbackQuery", callback_query_id=query_id, text="x" * 201
    )
    assert refusal == "Bad Request: MESSAGE_TOO_LONG"


async def test_only_buttons_that_are_there_can_be_pressed_unless_forged(
    bot: BotCaller, ann: TelegramClient
) -> None:
    link = button(text="Open", url="https://moica.nat.gov.tw/")
    sent = await bot.send(ann, "x", reply_markup=link)
    with pytest.raises(PersonError, match="No button 'y'"):
        ann.press(sent["message_id"], "y")
    with pytest.raises(PersonError, match="opens or copies"):
        ann.press(sent["message_id"], text="Open")
    with pytest.raises(PersonError, match="There is no message 99"):
        ann.press(99, "y")
    ann.press(sent["message_id"], "made up", forge=True)
    assert (await bot.take_updates())[-1][1]["data"] == "made up"


async def test_a_forged_press_on_a_deleted_message_has_no_message(
    bot: BotCaller, ann: TelegramClient
) -> None:
    await bot.call("deleteMessage", chat_id=ann.id, message_id=1)
    ann.press(1, "old", forge=True)
    message = (await bot.take_updates())[-1][1]["message"]
    assert (message["message_id"], message["date"]) == (1, 0)
    assert "text" not in message


async def test_a_keyboard_in_place_of_the_letters(bot: BotCaller, ann: TelegramClient) -> None:
    keys = {
        "keyboard": [[{"text": "Plain"}], [{"text": "My number", "request_contact": True}]],
        "one_time_keyboard": True,
    }
    sent = await bot.send(ann, "x", reply_markup=keys)
    assert "reply_markup" not in sent
    assert ann.transcript()["keyboard"]["keyboard"][0] == [{"text": "Plain"}]
    assert ann.press_key("My number")["contact"]["user_id"] == ann.id
    assert ann.transcript()["keyboard"] is None
    await bot.send(ann, "x", reply_markup={"keyboard": [[{"text": "Plain"}]]})
    assert ann.press_key("Plain")["text"] == "Plain"
    assert ann.transcript()["keyboard"] is not None, "it stays until it is taken away"
    await bot.send(ann, "x", reply_markup={"remove_keyboard": True})
    with pytest.raises(PersonError, match="No key"):
        ann.press_key("Plain")


async def test_an_edit_takes_inline_keyboards_only(bot: BotCaller, ann: TelegramClient) -> None:
    sent = await bot.send(ann, "x")
    ids = {"chat_id": ann.id, "message_id": sent["message_id"]}
    keys = {"keyboard": [[{"text": "A"}]]}
    refusal = await bot.call_refused("editMessageText", **ids, text="y", reply_markup=keys)
    assert refusal == "Bad Request: inline keyboard expected"


async def test_a_number_is_asked_for_in_private_only(
    bot: BotCaller, engine: Engine, ann: TelegramClient
) -> None:
    group = engine.add_group("Staff", [ann])
    keys = {"keyboard": [[{"text": "My number", "request_contact": True}]]}
    refusal = await bot.call_refused("sendMessage", chat_id=group.id, text="x", reply_markup=keys)
    assert refusal == "Bad Request: phone number can be requested in private chats only"


@pytest.mark.parametrize("markup", [{"keyboard": [[]]}, {"inline_keyboard": []}])
async def test_an_empty_keyboard_is_none(
    bot: BotCaller, ann: TelegramClient, markup: dict[str, Any]
) -> None:
    sent = await bot.send(ann, "x", reply_markup=markup)
    assert "reply_markup" not in sent
    assert ann.transcript()["keyboard"] is None


async def test_the_place_key_sends_a_place(bot: BotCaller, ann: TelegramClient) -> None:
    keys = {"keyboard": [[{"text": "Here", "request_location": True}]]}
    await bot.send(ann, "x", reply_markup=keys)
    assert "location" in ann.press_key("Here")


async def test_a_forged_press_needs_data(ann: TelegramClient) -> None:
    with pytest.raises(PersonError, match="needs data"):
        ann.press(1, forge=True)


async def test_an_answer_may_open_only_the_bot(bot: BotCaller, ann: TelegramClient) -> None:
    sent = await bot.send(ann, "x", reply_markup=inline_keyboard([("Yes", "y")]))
    query_id = ann.press(sent["message_id"], "y")
    answer = {"callback_query_id": query_id}
    refusal = await bot.call_refused(
        "answerCallbackQuery", **answer, url="https://moica.nat.gov.tw/"
    )
    assert refusal == "Bad Request: URL_INVALID"
    url = "https://t.me/kaika_test_bot?start=faq"
    await bot.call("answerCallbackQuery", **answer, url=url)
    assert await bot.engine.world.queries.wait_for_answer(query_id, 10.0) == {"url": url}


def test_a_null_is_as_good_as_nothing() -> None:
    rows = [[{"text": "x", "callback_data": "y", "url": None}]]
    for markup in ({"inline_keyboard": rows}, json.dumps({"inline_keyboard": rows})):
        params = {"chat_id": 1, "text": "x", "parse_mode": None, "reply_markup": markup}
        message = parse_params(SendMessage, params)
        assert message.reply_markup == inline_keyboard([("x", "y")])


async def test_64_bytes_of_data_are_not_too_many(bot: BotCaller, ann: TelegramClient) -> None:
    sent = await bot.send(ann, "x", reply_markup=inline_keyboard([("x", "é" * 32)]))
    assert ann.press(sent["message_id"], "é" * 32)
