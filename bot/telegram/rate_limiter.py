"""Telegram's limits and the line's failures, met in one place.

A call that Telegram refuses for now (429) waits as long as it says; a call that the line lost is
sent again, so that a message goes out at least once.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import structlog
from telegram.error import BadRequest, NetworkError, RetryAfter
from telegram.ext import BaseRateLimiter

_LINE_WAITS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each further try on a line that fails."""
_FLOOD_TRIES = 5
_LONGEST_FLOOD_WAIT = 120.0
_SHORT_LIVED = frozenset({"answerCallbackQuery", "answerInlineQuery", "answerPreCheckoutQuery"})
"""Answers nobody waits for after some seconds; they are not held back long."""
_SHORT_WAIT = 5.0

_log = structlog.get_logger()

Call = Callable[..., Coroutine[Any, Any, Any]]


class PatientLimiter(BaseRateLimiter[bool]):
    """Waits where Telegram asks to, and tries again where the line failed."""

    def __init__(self, sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep) -> None:
        self._sleep = sleep

    async def initialize(self) -> None:
        """Nothing to prepare."""

    async def shutdown(self) -> None:
        """Nothing to give back."""

    async def process_request(
        self,
        callback: Call,
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: bool | None,
    ) -> Any:
        """Carry out one call.

        :param rate_limit_args: whether whoever calls tries again by themself, so that it is
            neither held back nor sent again here.
        :raises TelegramError: what Telegram finally says.
        """
        floods, losses = 0, 0
        while True:
            try:
                return await callback(*args, **kwargs)
            except RetryAfter as error:
                floods += 1
                wait = _seconds(error)
                if rate_limit_args or floods > _FLOOD_TRIES or wait > _longest(endpoint):
                    raise
            except BadRequest:  # a NetworkError in PTB's tree, but no failure of the line
                raise
            except NetworkError:
                losses += 1
                if rate_limit_args or losses > len(_LINE_WAITS) or endpoint in _SHORT_LIVED:
                    raise
                wait = _LINE_WAITS[losses - 1]
            _log.warning("call_waits", method=endpoint, seconds=wait)
            await self._sleep(wait)


def _longest(endpoint: str) -> float:
    return _SHORT_WAIT if endpoint in _SHORT_LIVED else _LONGEST_FLOOD_WAIT


def _seconds(error: RetryAfter) -> float:
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
