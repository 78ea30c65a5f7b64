"""Retries of Bot API calls: after Telegram's rate limits and after network errors.

A call that Telegram refuses for now (429) waits as long as Telegram says. A call that a network
error interrupted is sent again, so that a message goes out at least once.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import structlog
from telegram.error import BadRequest, NetworkError, RetryAfter
from telegram.ext import BaseRateLimiter

from services.back_off import back_off

_MAX_NETWORK_RETRIES = 6
_FIRST_NETWORK_WAIT, _MAX_NETWORK_WAIT = 0.5, 15.0
_MAX_FLOOD_RETRIES = 5
_MAX_FLOOD_WAIT = 120.0
_SHORT_LIVED = frozenset({"answerCallbackQuery", "answerInlineQuery", "answerPreCheckoutQuery"})
"""Answers that are useless after some seconds; they are not delayed for long."""
_MAX_SHORT_LIVED_WAIT = 5.0

_log = structlog.get_logger()

Call = Callable[..., Coroutine[Any, Any, Any]]


class RetryingRateLimiter(BaseRateLimiter[bool]):
    """Repeats calls after rate limits and network errors."""

    def __init__(self, sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep) -> None:
        self._sleep = sleep

    async def initialize(self) -> None:
        """Do nothing."""

    async def shutdown(self) -> None:
        """Do nothing."""

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
        :raises TelegramError: Telegram's final answer.
        """
        floods, network_errors = 0, 0
        while True:
            try:
                return await callback(*args, **kwargs)
            except RetryAfter as error:
                floods += 1
                wait = _seconds(error)
                if rate_limit_args or floods > _MAX_FLOOD_RETRIES or wait > _max_wait(endpoint):
                    raise
            except BadRequest:  # a subclass of NetworkError in PTB, but not one
                raise
            except NetworkError:
                network_errors += 1
                is_last = network_errors > _MAX_NETWORK_RETRIES
                if rate_limit_args or is_last or endpoint in _SHORT_LIVED:
                    raise
                wait = back_off(network_errors, _FIRST_NETWORK_WAIT, _MAX_NETWORK_WAIT)
            _log.warning("call_waits", method=endpoint, seconds=wait)
            await self._sleep(wait)


def _max_wait(endpoint: str) -> float:
    return _MAX_SHORT_LIVED_WAIT if endpoint in _SHORT_LIVED else _MAX_FLOOD_WAIT


def _seconds(error: RetryAfter) -> float:
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
