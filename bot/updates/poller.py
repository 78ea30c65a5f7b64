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

from bot.telegram.refusals import is_token_unknown, read_refusal
from bot.telegram.transport import AiohttpRequest
from bot.updates.intake import ALLOWED_UPDATES, Intake
from services.back_off import back_off
from services.messaging.update_json import read_updates
from services.messaging.updates import ReceivedUpdate, update_id_of
from services.storage.availability import DatabaseUnavailableError

_POLL_SECONDS = 25
_BATCH = 100
_ALLOWED = orjson.dumps(ALLOWED_UPDATES).decode()
_FIRST_BACK_OFF, _MAX_BACK_OFF = 0.25, 30.0

Batch = list[ReceivedUpdate] | None
"""Updates; `None` where the request failed."""

_log = structlog.get_logger()


class Poller:
    """Polls Telegram for updates until it is stopped."""

    def __init__(self, bot: Bot, request: AiohttpRequest, intake: Intake) -> None:
        self._base_url = bot.base_url
        self._request = request
        self._intake = intake
        self._stop = asyncio.Event()
        self._offset: int | None = None
        self._failures = 0
        self.last_success = monotonic()

    def stop(self) -> None:
        """Stop polling."""
        self._stop.set()

    async def run(self) -> None:
        """Poll until stopped.

        :raises InvalidToken: when Telegram does not know the bot.
        """
        stopped = asyncio.create_task(self._stop.wait())
        while not self._stop.is_set():
            request = asyncio.create_task(self._next_batch())
            await asyncio.wait({request, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not request.done():
                request.cancel()  # a request without an answer confirms nothing
            with suppress(asyncio.CancelledError):
                await self._accept(await request)

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

    async def _accept(self, batch: Batch) -> None:
        """Store a batch, also while stopping; the next request confirms it."""
        if batch is None:
            return
        try:
            if batch:
                await self._intake.accept(batch)
                self._offset = max(map(update_id_of, batch)) + 1
        except DatabaseUnavailableError as error:
            await self._back_off(error)
            return
        self.last_success = monotonic()
        self._failures = 0

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
        self._failures += 1
        wait = back_off(self._failures, _FIRST_BACK_OFF, _MAX_BACK_OFF)
        if isinstance(error, RetryAfter):
            wait = max(wait, 5.0)
        hint = "is another bot running with this token?" if isinstance(error, Conflict) else None
        _log.warning("poll_failed", error=type(error).__name__, hint=hint, seconds=wait)

        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), wait)
