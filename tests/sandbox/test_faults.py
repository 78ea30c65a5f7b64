"""Failures on demand and limits on speed."""

import pytest

from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from sandbox.world.fault_injection import InjectedFault
from sandbox.world.world import SandboxOptions
from tests.bot_api_oracle import Oracle
from tests.sandbox.conftest import TOKEN, BotCaller, ManualClock


@pytest.mark.parametrize("code", [400, 401, 403, 409, 500, 502, 504])
async def test_the_next_call_fails_as_asked_and_the_one_after_works(
    bot: BotCaller, engine: Engine, ann: TelegramClient, code: int
) -> None:
    engine.world.faults.add(InjectedFault("sendmessage", code))
    answer = await engine.call("sendMessage", {"chat_id": ann.id, "text": "x"})
    assert answer["error_code"] == code
    await bot.send(ann, "x")


async def test_a_fault_has_its_own_words_and_times(
    bot: BotCaller, engine: Engine, ann: TelegramClient
) -> None:
    engine.world.faults.add(InjectedFault("*", 400, "Bad Request: tired", times=2))
    assert await bot.call_refused("getMe") == "Bad Request: tired"
    assert await bot.call_refused("sendMessage", chat_id=ann.id, text="x") == "Bad Request: tired"
    await bot.call("getMe")


async def test_too_many_requests_says_how_long_to_wait(bot: BotCaller, engine: Engine) -> None:
    engine.world.faults.add(InjectedFault("getme", 429, retry_after=7))
    answer = await engine.call("getMe")
    assert answer == {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 7",
        "parameters": {"retry_after": 7},
    }


async def test_a_slow_call_still_works(bot: BotCaller, engine: Engine) -> None:
    engine.world.faults.add(InjectedFault("getme", 0, delay_ms=1))
    await bot.call("getMe")


async def test_other_methods_are_left_alone(
    bot: BotCaller, engine: Engine, ann: TelegramClient
) -> None:
    engine.world.faults.add(InjectedFault("sendphoto", 500))
    await bot.send(ann, "x")


@pytest.fixture
def flood_limited(clock: ManualClock) -> Engine:
    engine = Engine(TOKEN, now=clock, options=SandboxOptions(flood_limits=True))
    Oracle.attach(engine)
    return engine


async def test_a_chat_takes_a_short_burst(flood_limited: Engine, clock: ManualClock) -> None:
    bot, ann = BotCaller(flood_limited), flood_limited.add_person("Ann")
    ann.start()
    for _ in range(5):
        await bot.send(ann, "x")
    refusal = await flood_limited.call("sendMessage", {"chat_id": ann.id, "text": "x"})
    clock.advance(seconds=refusal["parameters"]["retry_after"])
    await bot.send(ann, "x")


async def test_a_group_takes_twenty_a_minute(flood_limited: Engine, clock: ManualClock) -> None:
    bot, ann = BotCaller(flood_limited), flood_limited.add_person("Ann")
    group = flood_limited.add_group("Staff", [ann])
    for _ in range(20):
        await bot.call("sendMessage", chat_id=group.id, text="x")
        clock.advance(seconds=1)
    assert "retry after" in await bot.call_refused("sendMessage", chat_id=group.id, text="x")


async def test_all_chats_together_take_thirty_a_second(flood_limited: Engine) -> None:
    bot = BotCaller(flood_limited)
    people = [flood_limited.add_person(f"P{number}") for number in range(31)]
    for person in people:
        person.start()
    for person in people[:30]:
        await bot.send(person, "x")
    refusal = await bot.call_refused("sendMessage", chat_id=people[30].id, text="x")
    assert refusal.startswith("Too Many Requests")


async def test_in_a_group_every_change_counts(flood_limited: Engine, clock: ManualClock) -> None:
    bot, ann = BotCaller(flood_limited), flood_limited.add_person("Ann")
    ann.start()
    group = flood_limited.add_group("Staff", [ann], is_forum=True, bot_is_admin=True)
    chat = {"chat_id": group.id}
    topic = await bot.call("createForumTopic", **chat, name="Bo")
    thread = {**chat, "message_thread_id": topic["message_thread_id"]}
    sent = await bot.call("sendMessage", **thread, text="0")
    place = {**chat, "message_id": sent["message_id"]}
    thumb = [{"type": "emoji", "emoji": "👍"}]
    calls: list[tuple[str, dict[str, object]]] = [
        ("editMessageText", {**place, "text": "1"}),
        ("forwardMessage", {**place, "from_chat_id": group.id}),
        ("copyMessage", {**place, "from_chat_id": group.id}),
        ("pinChatMessage", place),
        ("setMessageReaction", {**place, "reaction": thumb}),
        ("editForumTopic", {**thread, "name": "Bo ✓"}),
        ("closeForumTopic", thread),
        ("reopenForumTopic", thread),
    ]
    for method, parameters in calls:
        await bot.call(method, **parameters)
    for number in range(20 - 2 - len(calls)):
        await bot.call("editMessageText", **place, text=f"edit {number}")
    clock.advance(seconds=1)
    answer = await flood_limited.call("editMessageText", {**place, "text": "one too many"})
    assert answer["parameters"] == {"retry_after": 60}
    for method, parameters in calls[1:]:
        if method != "pinChatMessage":
            assert "retry after" in await bot.call_refused(method, **parameters)
    assert "retry after" in await bot.call_refused("createForumTopic", **chat, name="Cy")
    await bot.call("deleteMessage", **place)


async def test_a_flooded_group_delays_no_other_chat(
    flood_limited: Engine, clock: ManualClock
) -> None:
    bot, ann = BotCaller(flood_limited), flood_limited.add_person("Ann")
    ann.start()
    full, other = (flood_limited.add_group(name, [ann]) for name in ("Full", "Other"))
    for _ in range(20):
        await bot.call("sendMessage", chat_id=full.id, text="x")
    clock.advance(seconds=1)
    answer = await flood_limited.call("sendMessage", {"chat_id": full.id, "text": "x"})
    assert answer["error_code"] == 429
    await bot.call("sendMessage", chat_id=other.id, text="x")
    await bot.send(ann, "x")
    clock.advance(seconds=answer["parameters"]["retry_after"])
    await bot.call("sendMessage", chat_id=full.id, text="x")


async def test_flood_limits_can_be_switched_on_later(
    bot: BotCaller, engine: Engine, ann: TelegramClient
) -> None:
    group = engine.add_group("Staff", [ann])
    for _ in range(30):
        await bot.call("sendMessage", chat_id=group.id, text="x")
    engine.world.change_options(flood_limits=True)
    for _ in range(20):
        await bot.call("sendMessage", chat_id=group.id, text="x")
    assert "retry after" in await bot.call_refused("sendMessage", chat_id=group.id, text="x")
