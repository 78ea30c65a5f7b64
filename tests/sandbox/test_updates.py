"""How updates reach the bot that polls."""

import asyncio

from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from tests.sandbox.conftest import Bot, Clock


async def test_ids_begin_with_the_time_and_rise_by_one(
    bot: Bot, ann: TelegramClient, clock: Clock
) -> None:
    ann.send("two")
    ids = [update["update_id"] for update in await bot.ok("getUpdates")]
    begin = int(clock().timestamp())
    assert ids == [begin, begin + 1]


async def test_an_offset_confirms_what_is_older(bot: Bot, ann: TelegramClient) -> None:
    first = (await bot.ok("getUpdates"))[0]["update_id"]
    ann.send("two")
    ann.send("three")
    assert len(await bot.ok("getUpdates")) == 3, "unconfirmed ones come again"
    rest = await bot.ok("getUpdates", offset=first + 1)
    assert [update["message"]["text"] for update in rest] == ["two", "three"]
    assert len(await bot.ok("getUpdates", limit=1)) == 1
    assert await bot.ok("getUpdates", offset=first + 3) == []


async def test_a_negative_offset_keeps_the_newest(bot: Bot, ann: TelegramClient) -> None:
    ann.send("two")
    ann.send("three")
    left = await bot.ok("getUpdates", offset=-1)
    assert [update["message"]["text"] for update in left] == ["three"]
    assert len(await bot.ok("getUpdates")) == 1


async def test_a_poll_waits_for_the_first_update(bot: Bot, ann: TelegramClient) -> None:
    await bot.updates()
    poll = asyncio.create_task(bot.ok("getUpdates", timeout=30))
    await asyncio.sleep(0)
    assert not poll.done()
    ann.send("at last")
    assert (await poll)[0]["message"]["text"] == "at last"


async def test_a_second_poll_ends_the_first(bot: Bot, engine: Engine) -> None:
    first = asyncio.create_task(bot.refused("getUpdates", timeout=30))
    await asyncio.sleep(0)
    second = asyncio.create_task(bot.ok("getUpdates", timeout=30))
    assert (await first).startswith("Conflict: terminated by other getUpdates request")
    engine.add_person("Cy").start()
    assert len(await second) == 1


async def test_a_webhook_ends_polling(bot: Bot) -> None:
    poll = asyncio.create_task(bot.refused("getUpdates", timeout=30))
    await asyncio.sleep(0)
    await bot.ok("setWebhook", url="http://127.0.0.1:9/hook")
    assert await poll == "Conflict: terminated by setWebhook request"
    assert (await bot.refused("getUpdates")).startswith(
        "Conflict: can't use getUpdates method while webhook is active"
    )
    await bot.ok("deleteWebhook")
    assert await bot.ok("getUpdates") == []


async def test_only_wanted_kinds_come(bot: Bot, ann: TelegramClient) -> None:
    await bot.updates()
    ann.react(1, "👍")
    assert await bot.updates() == [], "reactions come only to who asks for them"
    await bot.ok("getUpdates", allowed_updates=["message_reaction"])
    ann.react(1, None)
    ann.send("not wanted")
    ((kind, payload),) = await bot.updates()
    assert (kind, payload["new_reaction"]) == ("message_reaction", [])
    await bot.ok("getUpdates", allowed_updates=[])
    ann.send("wanted")
    assert (await bot.updates())[0][1]["text"] == "wanted"


async def test_pending_updates_can_be_dropped(bot: Bot, ann: TelegramClient) -> None:
    await bot.ok("deleteWebhook", drop_pending_updates=True)
    assert await bot.ok("getUpdates") == []
    ann.send("two")
    await bot.ok("setWebhook", url="", drop_pending_updates=True)
    assert await bot.ok("getUpdates") == []


async def test_waiting_for_what_never_comes_ends(bot: Bot) -> None:
    def nothing() -> str | None:
        return None

    assert await bot.engine.world.updates.signal.wait_for(nothing, 0.001) is None


async def test_an_unknown_method_is_not_found(bot: Bot) -> None:
    answer = await bot.engine.call("getmee")
    assert answer == {
        "ok": False,
        "error_code": 404,
        "description": "Not Found: method not found",
    }


async def test_methods_are_known_in_any_case(bot: Bot) -> None:
    assert (await bot.ok("GETME"))["username"] == "kaika_test_bot"
    assert await bot.ok("close") is True
    assert await bot.ok("logOut") is True
