"""Our poller: the next batch is asked for only when the last one is in the inbox.

PTB's Updater confirms a batch that it holds in memory; a process killed then loses it.
"""

import asyncio
from contextlib import suppress
from time import monotonic
from typing import Any
from urllib.parse import urlencode

import orjson
import structlog
from sqlalchemy.exc import SQLAlchemyError
from telegram import Bot
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError

from bot.telegram.transport import AiohttpRequest
from bot.updates.intake import ALLOWED_UPDATES, Intake, is_update

_POLL_SECONDS = 25
_BATCH = 100
_ALLOWED = orjson.dumps(ALLOWED_UPDATES).decode()
_LONGEST_BACK_OFF = 30.0

Json = dict[str, Any]
Batch = list[Json] | None
"""Updates; `None` where asking failed."""

_log = structlog.get_logger()


class Poller:
    """Asks Telegram for updates until it is stopped."""

    def __init__(self, bot: Bot, request: AiohttpRequest, intake: Intake) -> None:
        self._url = f"{bot.base_url}/getUpdates"
        self._request = request
        self._intake = intake
        self._stop = asyncio.Event()
        self._offset: int | None = None
        self._failures = 0
        self.last_success = monotonic()

    def stop(self) -> None:
        """Ask for nothing more."""
        self._stop.set()

    async def run(self) -> None:
        """Poll until stopped.

        :raises InvalidToken: when Telegram does not know the bot.
        """
        stopped = asyncio.create_task(self._stop.wait())
        while not self._stop.is_set():
            asking = asyncio.create_task(self._next_batch())
            await asyncio.wait({asking, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                asking.cancel()  # an unanswered question confirms nothing
            with suppress(asyncio.CancelledError):
                await self._take(await asking)

    async def _next_batch(self) -> Batch:
        await self._intake.room.wait()
        try:
            return await self._ask()
        except InvalidToken:
            raise
        except TelegramError as error:
            await self._back_off(error)
            return None

    async def _take(self, batch: Batch) -> None:
        """Take a batch in, also while stopping: Telegram hears of it only afterwards."""
        if batch is None:
            return
        try:
            if batch:
                await self._intake.accept(batch)
                self._offset = batch[-1]["update_id"] + 1
        except SQLAlchemyError as error:
            await self._back_off(error)
            return
        self.last_success = monotonic()
        self._failures = 0

    async def _ask(self) -> list[Json]:
        parameters = {"timeout": _POLL_SECONDS, "limit": _BATCH, "allowed_updates": _ALLOWED}
        if self._offset is not None:
            parameters["offset"] = self._offset
        # In the address, since PTB keeps the making of request data to itself.
        url = f"{self._url}?{urlencode(parameters)}"
        answer = await self._request.post(url, read_timeout=_POLL_SECONDS + 10)
        return [item for item in answer if is_update(item)] if isinstance(answer, list) else []

    async def _back_off(self, error: Exception) -> None:
        wait = min(2.0**self._failures / 4, _LONGEST_BACK_OFF)
        if isinstance(error, RetryAfter):
            wait = max(wait, 5.0)
        hint = "is another bot running with this token?" if isinstance(error, Conflict) else None
        _log.warning("poll_failed", error=type(error).__name__, hint=hint, seconds=wait)
        self._failures = min(self._failures + 1, 10)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), wait)
