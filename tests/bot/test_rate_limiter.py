"""Retries after rate limits (429) and network errors."""

from datetime import timedelta
from typing import Any

import pytest
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TimedOut

from bot.telegram.rate_limiter import _MAX_NETWORK_RETRIES, RetryingRateLimiter
from sandbox.world.fault_injection import InjectedFault
from tests.bot_harness import BotHarness


class FailingCall:
    """A call with the given failures that then succeeds."""

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

    async def send(self, method: str = "sendMessage", caller_retries: bool | None = None) -> Any:
        limiter = RetryingRateLimiter(self.sleep)
        return await limiter.process_request(self, (), {}, method, {}, caller_retries)


async def test_it_waits_as_long_as_telegram_says() -> None:
    calls = FailingCall(RetryAfter(timedelta(seconds=3)), RetryAfter(timedelta(seconds=5)))
    assert await calls.send() == "sent"
    assert calls.waits == [3, 5]


async def test_what_the_line_lost_is_sent_again() -> None:
    calls = FailingCall(NetworkError("x"), TimedOut())
    assert await calls.send() == "sent"
    assert calls.tries == 3
    assert calls.waits == sorted(calls.waits)


@pytest.mark.parametrize("error", [RetryAfter(timedelta(seconds=1)), NetworkError("x"), TimedOut()])
async def test_who_tries_again_by_themself_is_told_at_once(error: Exception) -> None:
    calls = FailingCall(error)
    with pytest.raises(type(error)):
        await calls.send(caller_retries=True)
    assert (calls.tries, calls.waits) == (1, [])


@pytest.mark.parametrize("error", [BadRequest("x"), Forbidden("x")])
async def test_what_telegram_refuses_is_not_tried_again(error: Exception) -> None:
    calls = FailingCall(error)
    with pytest.raises(type(error)):
        await calls.send()
    assert calls.tries == 1


async def test_it_gives_up_in_the_end() -> None:
    calls = FailingCall(*[NetworkError("x")] * 99)
    with pytest.raises(NetworkError):
        await calls.send()
    assert calls.tries < 20
    floods = FailingCall(*[RetryAfter(timedelta(seconds=1))] * 99)
    with pytest.raises(RetryAfter):
        await floods.send()
    assert floods.tries < 20


async def test_an_answer_nobody_waits_for_is_not_held_back() -> None:
    calls = FailingCall(RetryAfter(timedelta(seconds=60)))
    with pytest.raises(RetryAfter):
        await calls.send("answerCallbackQuery")
    assert calls.waits == []


async def test_a_flooded_chat_gets_its_answer_later(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, waits = harness.add_user(), FailingCall()
    monkeypatch.setattr(harness.kaika.application.bot.rate_limiter, "_sleep", waits.sleep)
    harness.engine.world.faults.add(InjectedFault("sendmessage", 429, retry_after=4, times=2))
    await anna.says("how much does the card cost")
    anna.sees("278")
    assert waits.waits == [4, 4]
    assert len(anna.bot_messages) == 1


async def test_an_answer_the_line_lost_for_long_is_given_later(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, waits = harness.add_user(), FailingCall()
    monkeypatch.setattr(harness.kaika.application.bot.rate_limiter, "_sleep", waits.sleep)
    tries = _MAX_NETWORK_RETRIES + 1
    harness.engine.world.faults.add(InjectedFault("sendmessage", 502, times=tries))
    await anna.says("how much does the card cost")
    assert anna.bot_messages == []
    await harness.kaika.inbox.store([])
    assert (await harness.kaika.inbox.count_by_state())["new"] == 1

    assert await harness.kaika.intake.enqueue_unfinished() == 1
    await harness.kaika.application.update_queue.join()
    anna.sees("278")
    assert len(anna.bot_messages) == 1
