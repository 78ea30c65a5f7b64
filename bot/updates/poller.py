"""Long polling that confirms a batch to Telegram only once it is in the inbox.

PTB's Updater confirms batches that it holds in memory, and a process killed then loses them.
"""

import asyncio
from contextlib import suppress
from http import HTTPStatus
from time import monotonic
from urllib.parse import urlencode

import orjson
import structlog
from telegram import Bot
from telegram.error import Conflict, InvalidToken, RetryAfter

from bot.telegram.transport import AiohttpRequest, is_token_unknown, read_refusal, retry_delay
from bot.updates.intake import ALLOWED_UPDATES, Intake
from services.back_off import back_off
from services.messaging.inbox import update_id_of
from services.messaging.update_json import ReceivedUpdate, read_updates
from services.supervisor import run_until

_POLL_SECONDS = 25
_BATCH = 100
_ALLOWED = orjson.dumps(ALLOWED_UPDATES).decode()
_FIRST_BACK_OFF, _MAX_BACK_OFF = 0.25, 30.0

Batch = list[ReceivedUpdate] | None
"""Updates; `None` where the request failed."""

_log = structlog.get_logger()


class Poller:
    """Polls Telegram for updates.

    :ivar last_success: moment of the last answer, by the monotonic clock.
    :ivar failures: failed requests since.
    """

    def __init__(self, bot: Bot, request: AiohttpRequest, intake: Intake) -> None:
        self._base_url = bot.base_url
        self._request = request
        self._intake = intake
        self._stop = asyncio.Event()
        self._offset: int | None = None
        self.failures = 0
        self.last_success = monotonic()

    def stop(self) -> None:
        """Interrupt the request that waits for updates."""
        self._stop.set()

    async def poll(self) -> None:
        """Ask once for updates, and store them, also while stopping.

        :raises InvalidToken: when Telegram does not know the bot.
        :raises DatabaseUnavailableError: when they could not be stored; Telegram keeps them.
        """
        batch = await run_until(self._stop, self._next_batch())
        if batch is None:
            return
        if batch:
            await self._intake.accept(batch)
            self._offset = max(map(update_id_of, batch)) + 1  # which the next request confirms
        self.last_success = monotonic()
        self.failures = 0

    async def _next_batch(self) -> Batch:
        await self._intake.has_room.wait()
        try:
            return await self._get_updates()
        except InvalidToken as error:
            if await is_token_unknown(self._request, self._base_url):
                raise
            await self._back_off(error)
        except Exception as error:  # whatever the answer holds, the next one may be right
            await self._back_off(error)
        return None

    async def _get_updates(self) -> list[ReceivedUpdate]:
        """Ask for updates.

        The answer is read here and not by PTB, which takes it whole or not at all.

        :raises TelegramError: when Telegram refuses.
        :raises UnreadableAnswerError: when the answer is not Telegram's.
        """
        parameters = {"timeout": _POLL_SECONDS, "limit": _BATCH, "allowed_updates": _ALLOWED}
        if self._offset is not None:
            parameters["offset"] = self._offset
        url = f"{self._base_url}/getUpdates?{urlencode(parameters)}"
        timeout = _POLL_SECONDS + 10
        status, body = await self._request.do_request(url, "POST", read_timeout=timeout)
        if status != HTTPStatus.OK:
            raise read_refusal(status, body)
        return read_updates(body)

    async def _back_off(self, error: Exception) -> None:
        self.failures += 1
        wait = back_off(self.failures, _FIRST_BACK_OFF, _MAX_BACK_OFF)
        if isinstance(error, RetryAfter):
            wait = max(wait, retry_delay(error).total_seconds())
        hint = "is another bot running with this token?" if isinstance(error, Conflict) else None
        _log.warning("poll_failed", error=type(error).__name__, hint=hint, seconds=wait)

        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), wait)
