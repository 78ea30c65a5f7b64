"""Failures on demand and limits on speed."""

import pytest

from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from sandbox.world.fault_injection import InjectedFault
from sandbox.world.world import SandboxOptions
from tests.oracle import Oracle
from tests.sandbox.conftest import TOKEN, Bot, Clock


@pytest.mark.parametrize("code", [400, 401, 403, 409, 500, 502, 504])
async def test_the_next_call_fails_as_asked_and_the_one_after_works(
    bot: Bot, engine: Engine, ann: TelegramClient, code: int
) -> None:
    engine.world.faults.add(InjectedFault("sendmessage", code))
    answer = await engine.call("sendMessage", {"chat_id": ann.id, "text": "x"})
    assert answer["error_code"] == code
    await bot.says(ann, "x")


async def test_a_fault_has_its_own_words_and_times(
    bot: Bot, engine: Engine, ann: TelegramClient
) -> None:
    engine.world.faults.add(InjectedFault("*", 400, "Bad Request: tired", times=2))
    assert await bot.refused("getMe") == "Bad Request: tired"
    assert await bot.refused("sendMessage", chat_id=ann.id, text="x") == "Bad Request: tired"
    await bot.ok("getMe")


async def test_too_many_requests_says_how_long_to_wait(bot: Bot, engine: Engine) -> None:
    engine.world.faults.add(InjectedFault("getme", 429, retry_after=7))
    answer = await engine.call("getMe")
    assert answer == {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 7",
        "parameters": {"retry_after": 7},
    }


async def test_a_slow_call_still_works(bot: Bot, engine: Engine) -> None:
    engine.world.faults.add(InjectedFault("getme", 0, delay_ms=1))
    await bot.ok("getMe")


async def test_other_methods_are_left_alone(bot: Bot, engine: Engine, ann: TelegramClient) -> None:
    engine.world.faults.add(InjectedFault("sendphoto", 500))
    await bot.says(ann, "x")


@pytest.fixture
def limited(clock: Clock) -> Engine:
    engine = Engine(TOKEN, now=clock, options=SandboxOptions(flood_limits=True))
    Oracle.attach(engine)
    return engine


async def test_a_chat_takes_a_short_burst(limited: Engine, clock: Clock) -> None:
    bot, ann = Bot(limited), limited.add_person("Ann")
    ann.start()
    for _ in range(5):
        await bot.says(ann, "x")
    refusal = await limited.call("sendMessage", {"chat_id": ann.id, "text": "x"})
    clock.advance(seconds=refusal["parameters"]["retry_after"])
    await bot.says(ann, "x")


async def test_a_group_takes_twenty_a_minute(limited: Engine, clock: Clock) -> None:
    bot, ann = Bot(limited), limited.add_person("Ann")
    group = limited.add_group("Staff", [ann])
    for _ in range(20):
        await bot.ok("sendMessage", chat_id=group.id, text="x")
        clock.advance(seconds=1)
    assert "retry after" in await bot.refused("sendMessage", chat_id=group.id, text="x")


async def test_all_chats_together_take_thirty_a_second(limited: Engine) -> None:
    bot = Bot(limited)
    people = [limited.add_person(f"P{number}") for number in range(31)]
    for person in people:
        person.start()
    for person in people[:30]:
        await bot.says(person, "x")
    refusal = await bot.refused("sendMessage", chat_id=people[30].id, text="x")
    assert refusal.startswith("Too Many Requests")
