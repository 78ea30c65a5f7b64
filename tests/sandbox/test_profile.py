"""What the bot says of itself."""

from typing import Any

import pytest

from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from tests.sandbox.conftest import BotCaller


def menu(*names: str) -> list[dict[str, str]]:
    return [{"command": name, "description": name.title()} for name in names]


async def test_getMe_says_who_the_bot_is(bot: BotCaller) -> None:  # noqa: N802
    me = await bot.call("getMe")
    assert (me["id"], me["is_bot"], me["supports_inline_queries"]) == (123456, True, True)


async def test_command_menus_are_by_scope_and_language(bot: BotCaller, ann: TelegramClient) -> None:
    chinese = {"language_code": "zh"}
    private = {"scope": {"type": "all_private_chats"}}
    await bot.call("setMyCommands", commands=menu("help"))
    await bot.call("setMyCommands", commands=menu("faq"), **chinese)
    await bot.call("setMyCommands", commands=menu("start"), **private)
    assert await bot.call("getMyCommands") == menu("help")
    assert await bot.call("getMyCommands", **chinese) == menu("faq")
    assert await bot.call("getMyCommands", language_code="fr") == []
    assert ann.transcript()["commands"] == menu("start")
    await bot.call("deleteMyCommands", **private)
    assert ann.transcript()["commands"] == menu("help")


async def test_a_person_sees_the_menu_of_their_language(
    bot: BotCaller, stranger: TelegramClient
) -> None:
    await bot.call("setMyCommands", commands=menu("help"))
    await bot.call("setMyCommands", commands=menu("faq"), language_code="zh")
    assert stranger.transcript()["commands"] == menu("faq")


async def test_the_narrowest_menu_of_a_group_wins(
    bot: BotCaller, engine: Engine, ann: TelegramClient, stranger: TelegramClient
) -> None:
    group = engine.add_group("Staff", [ann, stranger])
    chat = {"chat_id": group.id}
    scopes: list[dict[str, Any]] = [
        {"type": "default"},
        {"type": "all_group_chats"},
        {"type": "all_chat_administrators"},
        {"type": "chat", **chat},
        {"type": "chat_administrators", **chat},
        {"type": "chat_member", **chat, "user_id": ann.id},
    ]
    for scope in scopes:
        await bot.call("setMyCommands", commands=menu(scope["type"]), scope=scope)
    assert stranger.transcript(group.id)["commands"] == menu("chat")
    seen = []
    for scope in reversed(scopes):
        seen.append(ann.transcript(group.id)["commands"][0]["command"])
        await bot.call("deleteMyCommands", scope=scope)
    assert seen == [scope["type"] for scope in reversed(scopes)]
    assert ann.transcript(group.id)["commands"] == []


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"commands": menu("Help")}, "BOT_COMMAND_INVALID"),
        ({"commands": menu("h" * 33)}, "command length must not exceed 32"),
        ({"commands": [{"command": "/", "description": "x"}]}, "command must be non-empty"),
        ({"commands": [{"command": "a", "description": " "}]}, "description must be non-empty"),
        ({"commands": [{"command": "a"}]}, 'can\'t find field "description"'),
        (
            {"commands": [{"command": "a", "description": "x" * 257}]},
            "command description length must not exceed 256",
        ),
        ({"commands": menu(*["a"] * 101)}, "BOT_COMMANDS_TOO_MUCH"),
        ({"commands": menu("a"), "language_code": "zh-TW"}, "invalid language code specified"),
        ({"commands": menu("a"), "scope": {"type": "nobody"}}, "unsupported type specified"),
        ({"commands": menu("a"), "scope": {"type": "chat"}}, 'can\'t find field "chat_id"'),
        ({"commands": menu("a"), "scope": {"type": "chat", "chat_id": 5}}, "chat not found"),
        (
            {"commands": menu("a"), "scope": {"type": "chat_member", "chat_id": 5}},
            "invalid user_id specified",
        ),
    ],
)
async def test_what_setMyCommands_refuses(  # noqa: N802
    bot: BotCaller, params: dict[str, Any], words: str
) -> None:
    assert words.lower() in (await bot.call_refused("setMyCommands", **params)).lower()


@pytest.mark.parametrize(
    ("subject", "field", "limit"),
    [
        ("Name", "name", 64),
        ("Description", "description", 512),
        ("ShortDescription", "short_description", 120),
    ],
)
async def test_texts_are_by_language_and_fall_back(
    bot: BotCaller, subject: str, field: str, limit: int
) -> None:
    await bot.call(f"setMy{subject}", **{field: "Card help"})
    await bot.call(f"setMy{subject}", **{field: "開卡", "language_code": "zh"})
    assert await bot.call(f"getMy{subject}") == {field: "Card help"}
    assert await bot.call(f"getMy{subject}", language_code="zh") == {field: "開卡"}
    assert await bot.call(f"getMy{subject}", language_code="fr") == {field: "Card help"}
    await bot.call(f"setMy{subject}", language_code="zh")
    assert await bot.call(f"getMy{subject}", language_code="zh") == {field: "Card help"}
    assert "Bad Request" in await bot.call_refused(f"setMy{subject}", **{field: "x" * (limit + 1)})


async def test_a_new_name_stands_in_new_messages(bot: BotCaller, ann: TelegramClient) -> None:
    await bot.call("setMyName", name="Card help")
    assert (await bot.send(ann, "x"))["from"]["first_name"] == "Card help"


async def test_the_menu_button_is_one_for_all_or_for_one(
    bot: BotCaller, ann: TelegramClient
) -> None:
    assert await bot.call("getChatMenuButton", chat_id=ann.id) == {"type": "commands"}
    app = {"type": "web_app", "text": "Open", "web_app": {"url": "https://moica.nat.gov.tw/"}}
    await bot.call("setChatMenuButton", menu_button=app)
    assert await bot.call("getChatMenuButton", chat_id=ann.id) == app
    await bot.call("setChatMenuButton", chat_id=ann.id, menu_button={"type": "commands"})
    assert await bot.call("getChatMenuButton", chat_id=ann.id) == {"type": "commands"}
    await bot.call("setChatMenuButton", chat_id=ann.id, menu_button={"type": "default"})
    assert await bot.call("getChatMenuButton", chat_id=ann.id) == app
    plain = {**app, "web_app": {"url": "http://moica.nat.gov.tw/"}}
    assert "HTTPS" in await bot.call_refused("setChatMenuButton", menu_button=plain)
    assert await bot.call_refused("setChatMenuButton", chat_id=5) == "Bad Request: user not found"
    for odd, words in (
        ({"type": "door"}, "unsupported type"),
        ({"type": "web_app"}, "must be non-empty"),
    ):
        assert words in await bot.call_refused("setChatMenuButton", menu_button=odd)


async def test_a_menu_for_administrators_needs_a_group(bot: BotCaller, ann: TelegramClient) -> None:
    scope = {"type": "chat_administrators", "chat_id": ann.id}
    refusal = await bot.call_refused("setMyCommands", commands=menu("a"), scope=scope)
    assert refusal == "Bad Request: can't use specified scope in private chats"
