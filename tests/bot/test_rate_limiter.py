"""Retries after rate limits (429), network errors and the migration of a group."""

from datetime import timedelta
from typing import Any

import pytest
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter, TimedOut

from bot.telegram.rate_limiter import (
    _MAX_FLOOD_WAIT,
    _MAX_NETWORK_RETRIES,
    ChatRefusedError,
    RetryingRateLimiter,
)


def wait(seconds: float) -> RetryAfter:
    return RetryAfter(timedelta(seconds=seconds))


class FailingCalls:
    """Calls with the given failures that then succeed, on a clock that waiting moves."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.chats: list[object] = []
        self.waits: list[float] = []
        self.migrations: list[tuple[int, int]] = []
        self.now = 1000.0
        self.limiter = RetryingRateLimiter(self.note_migration, self.sleep, lambda: self.now)

    async def __call__(self, _method: str, data: dict[str, Any]) -> str:
        self.chats.append(data.get("chat_id"))
        if self.failures:
            raise self.failures.pop(0)
        return "sent"

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    async def note_migration(self, old_id: int, new_id: int) -> None:
        self.migrations.append((old_id, new_id))

    async def send(
        self, method: str = "sendMessage", chat_id: int = 7, caller_retries: bool | None = None
    ) -> Any:
        data = {} if method.startswith("answer") else {"chat_id": chat_id}
        process = self.limiter.process_request
        return await process(self, (method, data), {}, method, data, caller_retries)


async def test_it_waits_as_long_as_telegram_says() -> None:
    calls = FailingCalls(wait(3), wait(5))
    assert await calls.send() == "sent"
    assert calls.waits == [3, 5]


async def test_what_the_line_lost_is_sent_again() -> None:
    calls = FailingCalls(NetworkError("x"), TimedOut())
    assert await calls.send() == "sent"
    assert len(calls.chats) == 3
    assert calls.waits == sorted(calls.waits)


@pytest.mark.parametrize("error", [wait(1), NetworkError("x"), TimedOut()])
async def test_who_tries_again_by_themself_is_told_at_once(error: Exception) -> None:
    calls = FailingCalls(error)
    with pytest.raises(type(error)):
        await calls.send(caller_retries=True)
    assert (len(calls.chats), calls.waits) == (1, [])


@pytest.mark.parametrize("error", [BadRequest("x"), Forbidden("x")])
async def test_what_telegram_refuses_is_not_tried_again(error: Exception) -> None:
    calls = FailingCalls(error)
    with pytest.raises(type(error)):
        await calls.send()
    assert len(calls.chats) == 1


async def test_it_gives_up_in_the_end() -> None:
    calls = FailingCalls(*[NetworkError("x")] * 99)
    with pytest.raises(NetworkError):
        await calls.send()
    assert len(calls.chats) == _MAX_NETWORK_RETRIES + 1
    floods = FailingCalls(*[wait(1)] * 99)
    with pytest.raises(RetryAfter):
        await floods.send()
    assert sum(floods.waits) <= _MAX_FLOOD_WAIT


async def test_a_chat_that_has_to_wait_long_is_not_asked_again_before() -> None:
    calls = FailingCalls(wait(300))
    for later in (0, 60, 200):
        calls.now = 1000.0 + later
        with pytest.raises(RetryAfter) as caught:
            await calls.send()
        assert caught.value.retry_after == timedelta(seconds=300 - later)
    assert (len(calls.chats), calls.waits) == (1, [])
    assert await calls.send(chat_id=8) == "sent", "others need not wait"
    calls.now = 1300.0
    assert await calls.send() == "sent"


async def test_the_rest_of_a_wait_is_waited_for_where_it_is_short() -> None:
    calls = FailingCalls(wait(300))
    with pytest.raises(RetryAfter):
        await calls.send()
    calls.now = 1290.0
    assert await calls.send() == "sent"
    assert calls.waits == [10]


async def test_an_answer_nobody_waits_for_is_not_held_back() -> None:
    calls = FailingCalls(wait(60))
    with pytest.raises(RetryAfter):
        await calls.send("answerCallbackQuery")
    assert calls.waits == []


async def test_a_code_is_deleted_also_where_no_message_is_taken() -> None:
    calls = FailingCalls(wait(300))
    with pytest.raises(ChatRefusedError):
        await calls.send()
    assert await calls.send("deleteMessage") == "sent"
    with pytest.raises(ChatRefusedError):
        await calls.send("editMessageText")


async def test_a_group_is_followed_to_its_new_id() -> None:
    calls = FailingCalls(ChatMigrated(-100123))
    assert await calls.send(chat_id=-5) == "sent"
    assert calls.chats == [-5, -100123]
    assert calls.migrations == [(-5, -100123)]


async def test_a_group_that_moves_on_and_on_is_not_followed_for_ever() -> None:
    calls = FailingCalls(*[ChatMigrated(-n) for n in range(100, 200)])
    with pytest.raises(ChatMigrated):
        await calls.send(chat_id=-5)
    assert len(calls.chats) == 2


async def test_when_the_bot_stops_nobody_is_waited_for() -> None:
    calls = FailingCalls(wait(20), NetworkError("x"))
    calls.limiter = RetryingRateLimiter(now=lambda: calls.now)
    calls.limiter.stop_waiting()
    with pytest.raises(RetryAfter):
        await calls.send()
    calls.now += 20
    with pytest.raises(NetworkError):
        await calls.send()
