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
