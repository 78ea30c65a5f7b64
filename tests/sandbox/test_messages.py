"""Sending, editing, deleting, forwarding, pinning and reacting."""

import pytest

from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from sandbox.errors import PersonError
from tests.sandbox.conftest import BotCaller, ManualClock, inline_keyboard

YES_NO = inline_keyboard([("Yes", "y"), ("No", "n")])


async def test_a_text_arrives_with_its_entities_and_its_keyboard(
    bot: BotCaller, ann: TelegramClient
) -> None:
    sent = await bot.send(ann, "<b>Hi</b> 😀 <i>you</i>", parse_mode="HTML", reply_markup=YES_NO)
    assert sent["text"] == "Hi 😀 you"
    assert sent["entities"] == [
        {"type": "bold", "offset": 0, "length": 2},
        {"type": "italic", "offset": 6, "length": 3},
    ]
    assert ann.transcript()["messages"][-1] == sent
    assert sent["reply_markup"] == YES_NO


async def test_message_ids_rise_in_each_chat_by_itself(
    bot: BotCaller, ann: TelegramClient, stranger: TelegramClient
) -> None:
    stranger.start()
    ids = [(await bot.send(who, "x"))["message_id"] for who in (ann, stranger, ann)]
    assert ids == [2, 2, 3]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"text": ""}, "message text is empty"),
        ({}, "message text is empty"),
        ({"text": " \n "}, "text must be non-empty"),
        ({"text": "<b> </b>", "parse_mode": "HTML"}, "text must be non-empty"),
        ({"text": "x" * 4097}, "message is too long"),
        ({"text": "x", "parse_mode": "BBCode"}, "unsupported parse_mode"),
        ({"text": "x", "chat_id": 7}, "chat not found"),
        ({"text": "x", "chat_id": "@nobody"}, "chat not found"),
        ({"text": "x", "chat_id": ""}, "chat_id is empty"),
        ({"text": "x", "message_thread_id": 9}, "message thread not found"),
        ({"text": "x", "reply_parameters": {"message_id": 9}}, "message to be replied not found"),
        ({"text": "x", "colour": "red"}, 'unknown parameter "colour"'),
        ({"text": "x", "business_connection_id": "b"}, "the sandbox has no business connection"),
        (
            {"text": "x", "reply_parameters": {"message_id": 1, "chat_id": 5}},
            "the sandbox knows no replies to another chat",
        ),
        ({"text": "x", "reply_markup": "{"}, "can't parse reply keyboard markup JSON object"),
        ({"text": "x", "protect_content": "perhaps"}, "can't parse protect_content: "),
        (
            {"text": "x", "entities": [{"type": "bold", "offset": 0, "length": 2}]},
            "entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 2",
        ),
    ],
)
async def test_what_sendMessage_refuses(  # noqa: N802
    bot: BotCaller, ann: TelegramClient, params: dict[str, object], words: str
) -> None:
    refusal = await bot.call_refused("sendMessage", **{"chat_id": ann.id, **params})
    assert refusal.startswith(f"Bad Request: {words}")


async def test_4096_characters_after_the_markup_are_not_too_many(
    bot: BotCaller, ann: TelegramClient
) -> None:
    text = "<b>" + "&amp;" * 4096 + "</b>"
    assert len((await bot.send(ann, text, parse_mode="HTML"))["text"]) == 4096


async def test_nobody_is_written_to_who_never_wrote_or_who_blocked(
    bot: BotCaller, ann: TelegramClient, stranger: TelegramClient
) -> None:
    refusal = await bot.call_refused("sendMessage", chat_id=stranger.id, text="x")
    assert refusal == "Forbidden: bot can't initiate conversation with a user"
    ann.block()
    refusal = await bot.call_refused("sendMessage", chat_id=ann.id, text="x")
    assert refusal == "Forbidden: bot was blocked by the user"
    ann.unblock()
    await bot.send(ann, "x")


async def test_a_reply_holds_the_message_replied_to_but_no_further(
    bot: BotCaller, ann: TelegramClient
) -> None:
    first = await bot.send(ann, "one")
    second = ann.send("two", reply_to_message_id=first["message_id"])
    third = await bot.send(ann, "3", reply_parameters={"message_id": second["message_id"]})
    assert third["reply_to_message"]["text"] == "two"
    assert "reply_to_message" not in third["reply_to_message"]


async def test_a_reply_may_go_without_the_message(bot: BotCaller, ann: TelegramClient) -> None:
    reply = {"message_id": 99, "allow_sending_without_reply": True}
    assert "reply_to_message" not in await bot.send(ann, "x", reply_parameters=reply)


async def test_deleted_messages_are_gone_for_everybody(bot: BotCaller, ann: TelegramClient) -> None:
    sent = await bot.send(ann, "x")
    both = [1, sent["message_id"]]
    for message_id in both:
        assert await bot.call("deleteMessage", chat_id=ann.id, message_id=message_id) is True
    assert ann.transcript()["messages"] == []
    assert ann.transcript()["deleted"] == both
    refusal = await bot.call_refused("deleteMessage", chat_id=ann.id, message_id=1)
    assert refusal == "Bad Request: message to delete not found"


async def test_after_48_hours_nothing_can_be_deleted(
    bot: BotCaller, ann: TelegramClient, clock: ManualClock
) -> None:
    later = await bot.send(ann, "x")
    clock.advance(hours=48)
    await bot.call("deleteMessage", chat_id=ann.id, message_id=later["message_id"])
    clock.advance(seconds=1)
    refusal = await bot.call_refused("deleteMessage", chat_id=ann.id, message_id=1)
    assert refusal == "Bad Request: message can't be deleted for everyone"


async def test_several_messages_are_deleted_and_missing_ones_passed_over(
    bot: BotCaller, ann: TelegramClient
) -> None:
    sent = await bot.send(ann, "x")
    await bot.call("pinChatMessage", chat_id=ann.id, message_id=1)
    ids = [1, 77, sent["message_id"], 3]
    assert await bot.call("deleteMessages", chat_id=ann.id, message_ids=ids) is True
    assert ann.transcript()["messages"] == []
    too_many = list(range(1, 102))
    refusal = await bot.call_refused("deleteMessages", chat_id=ann.id, message_ids=too_many)
    assert refusal == "Bad Request: too many message identifiers specified"
    refusal = await bot.call_refused("deleteMessages", chat_id=ann.id, message_ids=[0])
    assert refusal == "Bad Request: invalid message identifier specified"
    refusal = await bot.call_refused("deleteMessages", chat_id=ann.id)
    assert refusal == "Bad Request: message identifiers are not specified"
    assert ann.transcript()["pinned"] == []


async def test_a_die_is_not_deleted_on_its_first_day(
    bot: BotCaller, ann: TelegramClient, clock: ManualClock
) -> None:
    die = {"chat_id": ann.id, "message_id": ann.send_media("dice")["message_id"]}
    refusal = await bot.call_refused("deleteMessage", **die)
    assert refusal == "Bad Request: message can't be deleted for everyone"
    clock.advance(days=1)
    await bot.call("deleteMessage", **die)


async def test_deleteMessage_says_what_is_missing(bot: BotCaller, ann: TelegramClient) -> None:  # noqa: N802
    assert (
        "chat identifier is not" in (await bot.call_refused("deleteMessage", message_id=1)).lower()
    )
    assert (
        "message identifier is not" in (await bot.call_refused("deleteMessage", chat_id=1)).lower()
    )


async def test_protected_content_is_not_forwarded(
    bot: BotCaller, ann: TelegramClient, engine: Engine
) -> None:
    sent = await bot.send(ann, "secret", protect_content=True)
    assert sent["has_protected_content"] is True
    refusal = await bot.call_refused(
        "forwardMessage", chat_id=ann.id, from_chat_id=ann.id, message_id=sent["message_id"]
    )
    assert refusal == "Bad Request: the message can't be forwarded"


async def test_a_copy_says_the_same_without_its_origin(bot: BotCaller, ann: TelegramClient) -> None:
    theirs = ann.send("see https://moica.nat.gov.tw/")
    copied = await bot.call(
        "copyMessage", chat_id=ann.id, from_chat_id=ann.id, message_id=theirs["message_id"]
    )
    last = ann.transcript()["messages"][-1]
    assert copied == {"message_id": last["message_id"]}
    assert (last["text"], last["entities"]) == (theirs["text"], theirs["entities"])
    assert "forward_origin" not in last


async def test_typing_shows_for_five_seconds_or_until_the_message(
    bot: BotCaller, ann: TelegramClient, clock: ManualClock
) -> None:
    await bot.call("sendChatAction", chat_id=ann.id, action="typing")
    assert ann.transcript()["typing"] is True
    clock.advance(seconds=5)
    assert ann.transcript()["typing"] is False
    await bot.call("sendChatAction", chat_id=ann.id, action="typing")
    await bot.send(ann, "x")
    assert ann.transcript()["typing"] is False
    refusal = await bot.call_refused("sendChatAction", chat_id=ann.id, action="thinking")
    assert refusal == "Bad Request: wrong parameter action in request"


async def test_pinning_leaves_a_notice(bot: BotCaller, ann: TelegramClient) -> None:
    sent = await bot.send(ann, "x")
    await bot.call("pinChatMessage", chat_id=ann.id, message_id=sent["message_id"])
    shown = ann.transcript()
    assert shown["pinned"] == [sent["message_id"]]
    assert shown["messages"][-1]["pinned_message"]["text"] == "x"
    assert (await bot.call("getChat", chat_id=ann.id))["pinned_message"]["text"] == "x"
    await bot.call("unpinChatMessage", chat_id=ann.id)
    assert ann.transcript()["pinned"] == []
    refusal = await bot.call_refused("unpinChatMessage", chat_id=ann.id)
    assert refusal == "Bad Request: message to unpin not found"


async def test_reactions_are_kept_and_taken_back(bot: BotCaller, ann: TelegramClient) -> None:
    thumb = [{"type": "emoji", "emoji": "👍"}]
    await bot.call("setMessageReaction", chat_id=ann.id, message_id=1, reaction=thumb)
    own = {"user_id": bot.engine.world.bot.id, "emoji": "👍"}
    assert ann.transcript()["reactions"] == {"1": [own]}
    await bot.call("setMessageReaction", chat_id=ann.id, message_id=1, reaction=[])
    assert ann.transcript()["reactions"] == {}
    odd = [{"type": "emoji", "emoji": "🥁"}]
    refusal = await bot.call_refused(
        "setMessageReaction", chat_id=ann.id, message_id=1, reaction=odd
    )
    assert refusal == "Bad Request: REACTION_INVALID"
    many = [{"type": "emoji", "emoji": emoji} for emoji in "👍👎"]
    refusal = await bot.call_refused(
        "setMessageReaction", chat_id=ann.id, message_id=1, reaction=many
    )
    assert refusal == "Bad Request: REACTIONS_TOO_MANY"


async def test_the_wish_for_a_link_preview_is_kept(bot: BotCaller, ann: TelegramClient) -> None:
    off = {"is_disabled": True}
    sent = await bot.send(ann, "moica.tw", link_preview_options=off)
    assert sent["link_preview_options"] == off
    edited = await bot.call(
        "editMessageText",
        chat_id=ann.id,
        message_id=sent["message_id"],
        text="*.tw",
        entities=[{"type": "bold", "offset": 0, "length": 1}],
        link_preview_options=off,
    )
    assert edited["link_preview_options"] == off
    assert edited["entities"][0]["type"] == "bold"


async def test_a_forward_may_be_protected_and_needs_a_source(
    bot: BotCaller, ann: TelegramClient
) -> None:
    ids = {"chat_id": ann.id, "message_id": 1}
    forward = await bot.call("forwardMessage", **ids, from_chat_id=ann.id, protect_content=True)
    assert forward["has_protected_content"] is True
    refusal = await bot.call_refused("forwardMessage", **ids)
    assert refusal == 'Bad Request: parameter "from_chat_id" is required'


async def test_a_reply_may_quote_a_part(bot: BotCaller, ann: TelegramClient) -> None:
    first = await bot.send(ann, "😀 one, two, two")
    theirs = ann.send("what?", reply_to_message_id=first["message_id"], quote="two")
    assert theirs["quote"] == {"text": "two", "position": 8, "is_manual": True}
    reply = {
        "message_id": first["message_id"],
        "quote": "<b>two</b>",
        "quote_parse_mode": "HTML",
        "quote_position": 14,
    }
    own = await bot.send(ann, "this", reply_parameters=reply)
    assert own["quote"]["position"] == 13
    assert own["quote"]["entities"] == [{"type": "bold", "offset": 0, "length": 3}]
    wrong = {"message_id": first["message_id"], "quote": "three"}
    refusal = await bot.call_refused(
        "sendMessage", chat_id=ann.id, text="x", reply_parameters=wrong
    )
    assert refusal == "Bad Request: QUOTE_TEXT_INVALID"
    with pytest.raises(PersonError, match="does not say"):
        ann.send("x", reply_to_message_id=first["message_id"], quote="three")
