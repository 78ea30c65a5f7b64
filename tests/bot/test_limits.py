"""429 and a failing line."""

from datetime import timedelta
from typing import Any

import pytest
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TimedOut

from bot.telegram.rate_limiter import _LINE_WAITS, PatientLimiter
from sandbox.world.fault_injection import InjectedFault
from tests.chat import Stage


class Calls:
    """A call that fails as told and then succeeds."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.tries = 0
        self.waits: list[float] = []

    async def __call__(self) -> str:
        self.tries += 1
        if self.failures:
            raise self.failures.pop(0)
        return "sent"

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def made(self, method: str = "sendMessage", tries_itself: bool | None = None) -> Any:
        limiter = PatientLimiter(self.sleep)
        return await limiter.process_request(self, (), {}, method, {}, tries_itself)


async def test_it_waits_as_long_as_telegram_says() -> None:
    calls = Calls(RetryAfter(timedelta(seconds=3)), RetryAfter(timedelta(seconds=5)))
    assert await calls.made() == "sent"
    assert calls.waits == [3, 5]


async def test_what_the_line_lost_is_sent_again() -> None:
    calls = Calls(NetworkError("x"), TimedOut())
    assert await calls.made() == "sent"
    assert calls.tries == 3
    assert calls.waits == sorted(calls.waits)


@pytest.mark.parametrize("error", [RetryAfter(timedelta(seconds=1)), NetworkError("x"), TimedOut()])
async def test_who_tries_again_by_themself_is_told_at_once(error: Exception) -> None:
    calls = Calls(error)
    with pytest.raises(type(error)):
        await calls.made(tries_itself=True)
    assert (calls.tries, calls.waits) == (1, [])


@pytest.mark.parametrize("error", [BadRequest("x"), Forbidden("x")])
async def test_what_telegram_refuses_is_not_tried_again(error: Exception) -> None:
    calls = Calls(error)
    with pytest.raises(type(error)):
        await calls.made()
    assert calls.tries == 1


async def test_it_gives_up_in_the_end() -> None:
    calls = Calls(*[NetworkError("x")] * 99)
    with pytest.raises(NetworkError):
        await calls.made()
    assert calls.tries < 20
    floods = Calls(*[RetryAfter(timedelta(seconds=1))] * 99)
    with pytest.raises(RetryAfter):
        await floods.made()
    assert floods.tries < 20


async def test_an_answer_nobody_waits_for_is_not_held_back() -> None:
    calls = Calls(RetryAfter(timedelta(seconds=60)))
    with pytest.raises(RetryAfter):
        await calls.made("answerCallbackQuery")
    assert calls.waits == []


async def test_a_flooded_chat_gets_its_answer_later(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, waits = stage.subscriber(), Calls()
    monkeypatch.setattr(stage.kaika.application.bot.rate_limiter, "_sleep", waits.sleep)
    stage.engine.world.faults.add(InjectedFault("sendmessage", 429, retry_after=4, times=2))
    await anna.says("how much does the card cost")
    anna.sees("278")
    assert waits.waits == [4, 4]
    assert len(anna.heard) == 1


async def test_an_answer_the_line_lost_for_long_is_given_later(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, waits = stage.subscriber(), Calls()
    monkeypatch.setattr(stage.kaika.application.bot.rate_limiter, "_sleep", waits.sleep)
    tries = len(_LINE_WAITS) + 1
    stage.engine.world.faults.add(InjectedFault("sendmessage", 502, times=tries))
    await anna.says("how much does the card cost")
    assert anna.heard == []
    await stage.kaika.inbox.put([])
    assert (await stage.kaika.inbox.counts())["new"] == 1

    assert await stage.kaika.intake.resume() == 1
    await stage.kaika.application.update_queue.join()
    anna.sees("278")
    assert len(anna.heard) == 1
