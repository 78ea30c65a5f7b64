"""Inline mode."""

from typing import Any

import pytest

from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from sandbox.errors import PersonError
from sandbox.world.world import SandboxOptions
from tests.bot_api_oracle import Oracle
from tests.sandbox.conftest import TOKEN, BotCaller, ManualClock, inline_keyboard


def article(result_id: str, text: str = "An <b>answer</b>", **more: object) -> dict[str, Any]:
    content = {"message_text": text, "parse_mode": "HTML"}
    shape = {"type": "article", "id": result_id, "title": "T", "input_message_content": content}
    return {**shape, **more}


async def test_a_result_is_asked_for_chosen_and_sent(bot: BotCaller, ann: TelegramClient) -> None:
    query_id = ann.query_inline("用戶代碼")
    kind, query = (await bot.take_updates())[-1]
    assert kind == "inline_query"
    assert query == {
        "id": query_id,
        "from": ann.user,
        "chat_type": "sender",
        "query": "用戶代碼",
        "offset": "",
    }
    results = [article("a"), article("b", reply_markup=inline_keyboard([("More", "m")]))]
    await bot.call("answerInlineQuery", inline_query_id=query_id, results=results, next_offset="2")
    answer = await bot.engine.world.queries.wait_for_answer(query_id, 10.0)
    assert answer is not None
    assert [result["id"] for result in answer["results"]] == ["a", "b"]
    assert answer["next_offset"] == "2"
    sent = ann.choose_result(query_id, "a")
    assert (sent["text"], sent["via_bot"]["username"]) == ("An answer", "kaika_test_bot")
    assert sent["entities"] == [{"type": "bold", "offset": 3, "length": 6}]


async def test_a_message_sent_inline_is_known_by_its_own_id(
    bot: BotCaller, ann: TelegramClient
) -> None:
    query_id = ann.query_inline("x")
    with_button = article("a", reply_markup=inline_keyboard([("中文", "zh")]))
    await bot.call("answerInlineQuery", inline_query_id=query_id, results=[with_button])
    sent = ann.choose_result(query_id, "a")
    ann.press(sent["message_id"], "zh")
    query = (await bot.take_updates())[-1][1]
    assert "message" not in query
    inline_id = query["inline_message_id"]
    assert await bot.call("editMessageText", inline_message_id=inline_id, text="答") is True
    assert ann.transcript()["messages"][-1]["text"] == "答"
    refusal = await bot.call_refused("editMessageText", inline_message_id="AAAA", text="x")
    assert refusal == "Bad Request: MESSAGE_ID_INVALID"


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"results": [article("a"), article("a")]}, "RESULT_ID_DUPLICATE"),
        ({"results": [article("字" * 22)]}, "RESULT_ID_INVALID"),
        ({"results": [article("")]}, "RESULT_ID_INVALID"),
        (
            {"results": [article(str(number)) for number in range(51)]},
            "too many inline query results specified",
        ),
        ({"results": [article("a", "")]}, "message text is empty"),
        ({"results": [article("a", "<b> </b>")]}, "text must be non-empty"),
        ({"results": [article("a", title="")]}, "ARTICLE_TITLE_EMPTY"),
        ({"results": "[{]"}, "can't parse results JSON object"),
        ({"results": [article("a", "<i>")]}, "can't parse entities"),
        ({"results": [article("a", "x" * 4097)]}, "MESSAGE_TOO_LONG"),
        ({"results": [article("a", titel="x")]}, 'unknown field "titel"'),
        ({"results": [article("a", type="photo")]}, "only articles"),
        ({"results": [], "next_offset": "x" * 65}, "NEXT_OFFSET_INVALID"),
        (
            {"results": [], "button": {"text": "Ask", "start_parameter": "a b"}},
            "unallowed characters in start_parameter",
        ),
        (
            {"results": [], "button": {"text": "Ask", "start_parameter": ""}},
            "can't use empty start_parameter",
        ),
        (
            {"results": [], "button": {"text": "Ask", "start_parameter": "a" * 65}},
            "too long start_parameter specified",
        ),
        (
            {"results": [], "button": {"text": "Ask"}},
            "must have exactly one optional field",
        ),
    ],
)
async def test_what_answerInlineQuery_refuses(  # noqa: N802
    bot: BotCaller, ann: TelegramClient, params: dict[str, Any], words: str
) -> None:
    query_id = ann.query_inline("x")
    refusal = await bot.call_refused("answerInlineQuery", inline_query_id=query_id, **params)
    assert words.lower() in refusal.lower()


async def test_an_answer_comes_within_ten_seconds(
    bot: BotCaller, ann: TelegramClient, clock: ManualClock
) -> None:
    query_id = ann.query_inline("x")
    clock.advance(seconds=11)
    refusal = await bot.call_refused("answerInlineQuery", inline_query_id=query_id, results=[])
    assert "query is too old" in refusal


async def test_only_what_was_offered_can_be_chosen(bot: BotCaller, ann: TelegramClient) -> None:
    query_id = ann.query_inline("x")
    with pytest.raises(PersonError, match="No answered query"):
        ann.choose_result(query_id, "a")
    await bot.call("answerInlineQuery", inline_query_id=query_id, results=[article("a")])
    with pytest.raises(PersonError, match="No result 'b'"):
        ann.choose_result(query_id, "b")


async def test_feedback_comes_only_where_it_is_switched_on(clock: ManualClock) -> None:
    engine = Engine(TOKEN, now=clock, options=SandboxOptions(inline_feedback=True))
    Oracle.attach(engine)
    bot, ann = BotCaller(engine), engine.add_person("Ann")
    query_id = ann.query_inline("pin")
    with_button = article("a", reply_markup=inline_keyboard([("中文", "zh")]))
    await bot.call("answerInlineQuery", inline_query_id=query_id, results=[with_button])
    ann.choose_result(query_id, "a")
    kind, chosen = (await bot.take_updates())[-1]
    assert (kind, chosen["result_id"], chosen["query"]) == ("chosen_inline_result", "a", "pin")
    assert chosen["inline_message_id"]


async def test_asking_from_a_group_says_so(
    bot: BotCaller, engine: Engine, ann: TelegramClient
) -> None:
    group = engine.add_group("Friends", [ann])
    query_id = ann.query_inline("x", group.id)
    assert (await bot.take_updates())[-1][1]["chat_type"] == "supergroup"
    await bot.call("answerInlineQuery", inline_query_id=query_id, results=[article("a")])
    assert ann.choose_result(query_id, "a")["chat"]["id"] == group.id


async def test_a_button_may_stand_above_the_results(bot: BotCaller, ann: TelegramClient) -> None:
    query_id = ann.query_inline("x")
    ask = {"text": "Ask me", "start_parameter": "ask"}
    content = {"message_text": "*", "link_preview_options": {"is_disabled": True}}
    result = {"type": "article", "id": "a", "title": "T", "input_message_content": content}
    await bot.call("answerInlineQuery", inline_query_id=query_id, results=[result], button=ask)
    answer = await bot.engine.world.queries.wait_for_answer(query_id, 10.0)
    assert answer is not None
    assert answer["button"] == ask
    assert ann.choose_result(query_id, "a")["link_preview_options"] == {"is_disabled": True}


async def test_a_deleted_inline_message_cannot_be_edited(
    bot: BotCaller, ann: TelegramClient
) -> None:
    query_id = ann.query_inline("x")
    with_button = article("a", reply_markup=inline_keyboard([("中文", "zh")]))
    await bot.call("answerInlineQuery", inline_query_id=query_id, results=[with_button])
    sent = ann.choose_result(query_id, "a")
    ann.press(sent["message_id"], "zh")
    inline_id = (await bot.take_updates())[-1][1]["inline_message_id"]
    ann.delete(sent["message_id"])
    refusal = await bot.call_refused("editMessageText", inline_message_id=inline_id, text="x")
    assert refusal == "Bad Request: MESSAGE_ID_INVALID"
