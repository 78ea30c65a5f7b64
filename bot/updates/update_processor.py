"""The order of processing: one chat's updates in sequence, different chats concurrently.

Updates that Telegram wants answered within seconds (a pre-checkout, an inline query) do not wait.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, Protocol

import structlog
from telegram import Update
from telegram.ext import BaseUpdateProcessor

URGENT = ("pre_checkout_query", "shipping_query", "inline_query")
"""Fields of an update that must be answered within seconds."""

MAX_CONCURRENT_CHATS = 256
_NO_LIMIT = 1_000_000


class ChatEvent(Protocol):
    """An event from elsewhere that concerns a chat, queued like an update."""

    @property
    def chat_id(self) -> int:
        """The chat."""


class ClosableUpdateQueue(asyncio.Queue[object]):
    """Queue of updates and events that drops new ones once it is closed.

    PTB stops when everything in its queue is done, but processes nothing that was queued after it
    was asked to stop: a late update would keep it from stopping. It is still in the inbox.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_closed = False

    def close(self) -> None:
        """Drop new updates and events from now on."""
        self._is_closed = True

    def put_nowait(self, item: object) -> None:
        """Queue an item; when closed, only PTB's stop signal."""
        if self._is_closed and (isinstance(item, Update) or hasattr(item, "chat_id")):
            return
        super().put_nowait(item)


class UpdateProgress(Protocol):
    """Is told how processing an update goes."""

    def run(self, update_id: int, work: Awaitable[Any]) -> Awaitable[Any]:
        """Run the handlers of an update, when it is its turn."""

    def fail(self, update_id: int, error: BaseException) -> None:
        """Take note of an error that no handler has dealt with."""

    def finish(self, update_id: int) -> None:
        """Take note of the end, whatever the outcome."""


class PerChatUpdateProcessor(BaseUpdateProcessor):
    """Processes each chat's updates and events in order."""

    def __init__(self, progress: UpdateProgress) -> None:
        # With PTB's own limit one busy chat would delay all others and the urgent updates.
        super().__init__(_NO_LIMIT)
        self._progress = progress
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_CHATS)
        self._turn = asyncio.Lock()
        self._chats: dict[int, tuple[asyncio.Lock, int]] = {}

    async def initialize(self) -> None:
        """Do nothing."""

    async def shutdown(self) -> None:
        """Do nothing."""

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        """Process one update after the earlier ones of its chat."""
        if not isinstance(update, Update):
            await self._process_event(update, coroutine)
            return
        number = update.update_id
        structlog.contextvars.bind_contextvars(update_id=number)
        try:
            key = partition_key(update)
            if update.pre_checkout_query is not None:
                await self._progress.run(number, coroutine)
            elif key is None:
                await self._take_turn()
                await self._progress.run(number, coroutine)
            else:
                async with self._lock_chat(key), self._slots:
                    await self._take_turn()
                    await self._progress.run(number, coroutine)
        except BaseException as error:
            self._progress.fail(number, error)
            raise
        finally:
            self._progress.finish(number)

    async def _take_turn(self) -> None:
        """Wait for one's turn to begin.

        Handlers begin with what takes time of the processor, such as searching. They begin one by
        one, and between two of them goes on whatever else is ready, such as a pre-checkout.
        """
        async with self._turn:  # asyncio's locks are fair
            await asyncio.sleep(0)

    async def _process_event(self, event: Any, coroutine: Awaitable[Any]) -> None:
        chat_event: ChatEvent = event
        structlog.contextvars.bind_contextvars(event=type(event).__name__)
        async with self._lock_chat(chat_event.chat_id), self._slots:
            await coroutine

    @asynccontextmanager
    async def _lock_chat(self, key: int) -> AsyncIterator[None]:
        lock, waiting = self._chats.get(key) or (asyncio.Lock(), 0)
        self._chats[key] = (lock, waiting + 1)
        try:
            async with lock:  # asyncio's locks are fair
                yield
        finally:
            waiting = self._chats[key][1] - 1
            if waiting:
                self._chats[key] = (lock, waiting)
            else:
                del self._chats[key]


def partition_key(update: Update) -> int | None:
    """The chat or else person whose updates are processed in order; `None` for urgent ones."""
    if any(getattr(update, name) is not None for name in URGENT):
        return None
    owner = update.effective_chat or update.effective_user
    return owner.id if owner is not None else None
