"""The order in which updates are worked on: one chat's in turn, chats side by side.

What Telegram gives only seconds for (a pre-checkout, an inline query) waits for nobody.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol

import structlog
from telegram import Update
from telegram.ext import BaseUpdateProcessor

URGENT = ("pre_checkout_query", "shipping_query", "inline_query")
"""Fields of an update that must be answered within seconds."""

CHATS_AT_ONCE = 256
_NO_LIMIT = 1_000_000


class ChatEvent(Protocol):
    """Something that happened elsewhere and concerns a chat; it stands in line like an update."""

    @property
    def chat_id(self) -> int:
        """Which chat."""


class Line(asyncio.Queue[object]):
    """Where updates and events wait for their turn. Once closed, nobody joins it any more.

    PTB stops once everything in its queue is done, but works on nothing that came after it was
    asked to: a late comer would keep it from ever stopping. Its update is still in the inbox.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_closed = False

    def close(self) -> None:
        """Let nobody in any more."""
        self._is_closed = True

    def put_nowait(self, item: object) -> None:
        """Let an update or event in, unless it is closed; PTB's word to stop always is."""
        if self._is_closed and (isinstance(item, Update) or hasattr(item, "chat_id")):
            return
        super().put_nowait(item)


class ChatOrder(BaseUpdateProcessor):
    """Keeps each chat's updates and events in order.

    :param finished: told the update's id when the work on it has ended, whatever the outcome.
    """

    def __init__(self, finished: Callable[[int], None]) -> None:
        # PTB's own limit would let one busy chat hold up everybody and the urgent ones.
        super().__init__(_NO_LIMIT)
        self._finished = finished
        self._slots = asyncio.Semaphore(CHATS_AT_ONCE)
        self._chats: dict[int, tuple[asyncio.Lock, int]] = {}

    async def initialize(self) -> None:
        """Nothing to prepare."""

    async def shutdown(self) -> None:
        """Nothing to give back."""

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        """Work on one update when its chat's turn has come."""
        if not isinstance(update, Update):
            await self._work_on_event(update, coroutine)
            return
        structlog.contextvars.bind_contextvars(update_id=update.update_id)
        try:
            key = turn_key(update)
            if key is None:
                await coroutine
            else:
                async with self._turn(key), self._slots:
                    await coroutine
        finally:
            self._finished(update.update_id)

    async def _work_on_event(self, event: Any, coroutine: Awaitable[Any]) -> None:
        told: ChatEvent = event
        structlog.contextvars.bind_contextvars(event=type(event).__name__)
        async with self._turn(told.chat_id), self._slots:
            await coroutine

    @asynccontextmanager
    async def _turn(self, key: int) -> AsyncIterator[None]:
        lock, waiting = self._chats.get(key) or (asyncio.Lock(), 0)
        self._chats[key] = (lock, waiting + 1)
        try:
            async with lock:  # asyncio's locks are handed on in the order of asking
                yield
        finally:
            waiting = self._chats[key][1] - 1
            if waiting:
                self._chats[key] = (lock, waiting)
            else:
                del self._chats[key]


def turn_key(update: Update) -> int | None:
    """Give the chat (else the person) whose turn an update needs, `None` where it needs none."""
    if any(getattr(update, name) is not None for name in URGENT):
        return None
    if update.effective_chat is not None:
        return update.effective_chat.id
    return update.effective_user.id if update.effective_user else None
