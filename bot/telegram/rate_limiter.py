"""Retries of Bot API calls: after Telegram's rate limits and after network errors.

A chat that Telegram refuses for now (429) is not written to before the time that it names. A call
that a network error interrupted is sent again, so that a message goes out at least once. A group
that became a supergroup is written to under its new id.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from time import monotonic
from typing import Any

import structlog
from telegram.error import BadRequest, ChatMigrated, NetworkError, RetryAfter
from telegram.ext import BaseRateLimiter

from bot.telegram.refusals import retry_delay
from services.back_off import back_off

_MAX_NETWORK_RETRIES = 6
_FIRST_NETWORK_WAIT, _MAX_NETWORK_WAIT = 0.5, 15.0
_MAX_FLOOD_WAIT = 30.0
"""Seconds that one call waits in all; then its update is put off."""
_SHORT_LIVED = frozenset({"answerCallbackQuery", "answerInlineQuery", "answerPreCheckoutQuery"})
"""Answers that are useless after some seconds; they are not delayed for long."""
_MAX_SHORT_LIVED_WAIT = 3.0
_MAX_REMEMBERED = 1000

_log = structlog.get_logger()

Call = Callable[..., Coroutine[Any, Any, Any]]
OnMigration = Callable[[int, int], Awaitable[None]]
"""Called with the old and the new id of a chat."""


class RetryingRateLimiter(BaseRateLimiter[bool]):
    """Repeats calls after rate limits and network errors.

    :param on_migration: notes the new id of a chat.
    :param now: seconds that only grow.
    """

    def __init__(
        self,
        on_migration: OnMigration | None = None,
        sleep: Callable[[float], Awaitable[None]] | None = None,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._on_migration = on_migration
        self._sleep = sleep or self._sleep_until_stopped
        self._now = now
        self._refused_until: dict[object, float] = {}
        """By the chat, or by the method where the call is to none."""
        self._stopped = asyncio.Event()

    async def initialize(self) -> None:
        """Do nothing."""

    async def shutdown(self) -> None:
        """Do nothing."""

    def stop_waiting(self) -> None:
        """Let calls that wait fail, so that the process can end; their updates stay undone."""
        self._stopped.set()

    async def process_request(
        self,
        callback: Call,
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: bool | None,
    ) -> Any:
        """Make one call.

        :param rate_limit_args: whether the caller retries by itself, so that the call is neither
            delayed nor repeated here.
        :raises TelegramError: Telegram's final answer; `RetryAfter` also without asking again,
            while the chat has to wait.
        """
        patience = 0.0 if rate_limit_args else _max_wait(endpoint)
        network_errors, is_followed = 0, False
        while True:
            key = data.get("chat_id", endpoint)
            if not rate_limit_args:
                patience -= await self._wait_for(key, endpoint, patience)
            try:
                answer = await callback(*args, **kwargs)
            except RetryAfter as error:
                self._refuse(key, retry_delay(error).total_seconds())
                if rate_limit_args:
                    raise
            except ChatMigrated as error:
                if is_followed or not await self._follow(data, error.new_chat_id):
                    raise
                is_followed = True
            except BadRequest:  # a subclass of NetworkError in PTB, but not one
                raise
            except NetworkError:
                network_errors += 1
                is_last = network_errors > _MAX_NETWORK_RETRIES or self._stopped.is_set()
                if rate_limit_args or is_last or endpoint in _SHORT_LIVED:
                    raise
                wait = back_off(network_errors, _FIRST_NETWORK_WAIT, _MAX_NETWORK_WAIT)
                _log.warning("call_waits", method=endpoint, seconds=wait)
                await self._sleep(wait)
            else:
                self._refused_until.pop(key, None)
                return answer

    async def _wait_for(self, key: object, endpoint: str, patience: float) -> float:
        """Wait until a chat may be written to, and return the seconds that it took.

        :raises RetryAfter: where that is too long.
        """
        wait = self._refused_until.get(key, 0.0) - self._now()
        if wait <= 0:
            self._refused_until.pop(key, None)
            return 0.0
        if wait > patience or self._stopped.is_set():
            raise RetryAfter(math.ceil(wait))
        _log.warning("call_waits", method=endpoint, seconds=round(wait, 1))
        await self._sleep(wait)
        return wait

    def _refuse(self, key: object, seconds: float) -> None:
        now = self._now()
        if len(self._refused_until) >= _MAX_REMEMBERED:
            later = {k: until for k, until in self._refused_until.items() if until > now}
            self._refused_until = later
        self._refused_until[key] = now + seconds

    async def _follow(self, data: dict[str, Any], new_id: int) -> bool:
        """Address a call to the supergroup that its chat became; `False` where it is to no chat."""
        old_id = data.get("chat_id")
        if not isinstance(old_id, int) or old_id == new_id:
            return False
        _log.info("chat_migrated")
        data["chat_id"] = new_id
        if self._on_migration is not None:
            await self._on_migration(old_id, new_id)
        return True

    async def _sleep_until_stopped(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)


def _max_wait(endpoint: str) -> float:
    return _MAX_SHORT_LIVED_WAIT if endpoint in _SHORT_LIVED else _MAX_FLOOD_WAIT
