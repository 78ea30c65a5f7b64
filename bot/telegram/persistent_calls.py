"""Calls without which the bot cannot start, made until Telegram answers them."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import structlog
from telegram.error import BadRequest, InvalidToken, RetryAfter
from telegram.request import BaseRequest

from bot.telegram.transport import is_token_unknown, retry_delay
from services.back_off import back_off
from services.supervisor import run_until

_FIRST_WAIT, _MAX_WAIT = 1.0, 30.0
_HINT = "check the network and KAIKA_BASE_URL; nothing is lost meanwhile"

_log = structlog.get_logger()


class PersistentCaller:
    """Makes calls until they succeed or the bot is stopped.

    :param request: asks once more whether Telegram knows the token.
    :param base_url: address of the Bot API with the token.
    """

    def __init__(self, request: BaseRequest, base_url: str, stop: asyncio.Event) -> None:
        self._request = request
        self._base_url = base_url
        self._stop = stop

    async def call(self, call: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Make one call.

        :raises InvalidToken: when Telegram does not know the bot.
        """
        failures = 0
        while not self._stop.is_set():
            try:
                await run_until(self._stop, call())
            except Exception as error:  # whatever the answer holds, the next one may be right
                if await self._is_token_unknown(error):
                    raise
                failures += 1
                await self._wait(failures, error)
            else:
                return

    async def _is_token_unknown(self, error: Exception) -> bool:
        is_refused = isinstance(error, InvalidToken)
        return is_refused and await is_token_unknown(self._request, self._base_url)

    async def _wait(self, failures: int, error: Exception) -> None:
        wait = back_off(failures, _FIRST_WAIT, _MAX_WAIT)
        if isinstance(error, RetryAfter):
            wait = max(wait, retry_delay(error).total_seconds())
        hint = error.message if isinstance(error, BadRequest) else _HINT
        _log.warning("telegram_not_reached", error=type(error).__name__, hint=hint, seconds=wait)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), wait)
