"""How updates reach the bot that polls."""

import asyncio

from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from tests.sandbox.conftest import BotCaller, ManualClock


async def test_ids_begin_with_the_time_and_rise_by_one(
    bot: BotCaller, ann: TelegramClient, clock: ManualClock
) -> None:
    ann.send("two")
    ids = [update["update_id"] for update in await bot.call("getUpdates")]
    begin = int(clock().timestamp())
    assert ids == [begin, begin + 1]


async def test_an_offset_confirms_what_is_older(bot: BotCaller, ann: TelegramClient) -> None:
    first = (await bot.call("getUpdates"))[0]["update_id"]
    ann.send("two")
    ann.send("three")
    assert len(await bot.call("getUpdates")) == 3, "unconfirmed ones come again"
    rest = await bot.call("getUpdates", offset=first + 1)
    assert [update["message"]["text"] for update in rest] == ["two", "three"]
    assert len(await bot.call("getUpdates", limit=1)) == 1
    assert await bot.call("getUpdates", offset=first + 3) == []


async def test_a_negative_offset_keeps_the_newest(bot: BotCaller, ann: TelegramClient) -> None:
    ann.send("two")
    ann.send("three")
    left = await bot.call("getUpdates", offset=-1)
    assert [update["message"]["text"] for update in left] == ["three"]
    assert len(await bot.call("getUpdates")) == 1


async def test_a_poll_waits_for_the_first_update(bot: BotCaller, ann: TelegramClient) -> None:
    await bot.take_updates()
    poll = asyncio.create_task(bot.call("getUpdates", timeout=30))
    await asyncio.sleep(0)
    assert not poll.done()
    ann.send("at last")
    assert (await poll)[0]["message"]["text"] == "at last"


async def test_a_second_poll_ends_the_first(bot: BotCaller, engine: Engine) -> None:
    first = asyncio.create_task(bot.call_refused("getUpdates", timeout=30))
    await asyncio.sleep(0)
    second = asyncio.create_task(bot.call("getUpdates", timeout=30))
    assert (await first).startswith("Conflict: terminated by other getUpdates request")
    engine.add_person("Cy").start()
    assert len(await second) == 1


async def test_a_webhook_ends_polling(bot: BotCaller) -> None:
    poll = asyncio.create_task(bot.call_refused("getUpdates", timeout=30))
    await asyncio.sleep(0)
    await bot.call("setWebhook", url="http://127.0.0.1:9/hook")
    assert await poll == "Conflict: terminated by setWebhook request"
    assert (await bot.call_refused("getUpdates")).startswith(
        "Conflict: can't use getUpdates method while webhook is active"
    )
    await bot.call("deleteWebhook")
    assert await bot.call("getUpdates") == []


async def test_only_wanted_kinds_come(bot: BotCaller, engine: Engine, ann: TelegramClient) -> None:
    group = engine.add_group("Staff", [ann], bot_is_admin=True)
    said = ann.send("x", group.id)["message_id"]
    await bot.take_updates()
    ann.react(said, "👍", group.id)
    assert await bot.take_updates() == [], "reactions come only to who asks for them"
    await bot.call("getUpdates", allowed_updates=["message_reaction"])
    ann.react(said, None, group.id)
    ann.send("not wanted")
    ((kind, payload),) = await bot.take_updates()
    assert (kind, payload["new_reaction"]) == ("message_reaction", [])
    await bot.call("getUpdates", allowed_updates=[])
    ann.send("wanted")
    assert (await bot.take_updates())[0][1]["text"] == "wanted"


async def test_pending_updates_can_be_dropped(bot: BotCaller, ann: TelegramClient) -> None:
    await bot.call("deleteWebhook", drop_pending_updates=True)
    assert await bot.call("getUpdates") == []
    ann.send("two")
    await bot.call("setWebhook", url="", drop_pending_updates=True)
    assert await bot.call("getUpdates") == []


async def test_what_was_not_asked_for_within_a_day_is_lost(
    bot: BotCaller, ann: TelegramClient, clock: ManualClock
) -> None:
    ann.send("before the outage")
    clock.advance(hours=23)
    ann.send("during it")
    clock.advance(hours=1)
    texts = [payload["text"] for _, payload in await bot.take_updates()]
    assert texts == ["during it"]


async def test_waiting_for_what_never_comes_ends(bot: BotCaller) -> None:
    def nothing() -> str | None:
        return None

    assert await bot.engine.world.updates.signal.wait_for(nothing, 0.001) is None


async def test_an_unknown_method_is_not_found(bot: BotCaller) -> None:
    answer = await bot.engine.call("getmee")
    assert answer == {
        "ok": False,
        "error_code": 404,
        "description": "Not Found: method not found",
    }


async def test_methods_are_known_in_any_case(bot: BotCaller) -> None:
    assert (await bot.call("GETME"))["username"] == "kaika_test_bot"
    assert await bot.call("close") is True
    assert await bot.call("logOut") is True
