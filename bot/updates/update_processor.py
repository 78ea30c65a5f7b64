"""The order of processing: one chat's updates in sequence, different chats concurrently.

An update that met an error that passes stays undone, and those after it in its chat wait for it.

Updates that Telegram wants answered within seconds (a pre-checkout, an inline query) do not wait.

Where a message has to wait for Telegram's permission, the updates after it do not: they are
processed, such as the suspension of a lost card, but show nothing. They stay undone, and their
messages follow in order once they are processed again.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Protocol

import structlog
from telegram import Update
from telegram.ext import BaseUpdateProcessor

from bot.telegram.rate_limiter import CURRENT_TURN
from services.back_off import back_off

_FIRST_WAIT, _MAX_WAIT = 1.0, 60.0


@dataclass
class _Deferral:
    """The waiting of one chat.

    :ivar due: when to try again, in monotonic seconds.
    :ivar refused_until: when Telegram takes messages to the chat again; not before.
    :ivar is_active: whether its updates wait; else they are being processed again.
    :ivar is_strict: whether they are not processed at all meanwhile.
    :ivar is_complete: whether no update came to wait since its stored updates were read.
    """

    attempts: int = 0
    due: float = 0.0
    refused_until: float = 0.0
    is_active: bool = True
    is_strict: bool = False
    is_complete: bool = False


class DeferredChats:
    """The chats whose updates wait, and how many updates of each chat are in progress."""

    def __init__(self) -> None:
        self._in_progress: Counter[int] = Counter()
        self._deferrals: dict[int, _Deferral] = {}

    @property
    def is_any_due(self) -> bool:
        """Whether it is time to process updates of a chat again."""
        now = monotonic()
        return any(each.is_active and each.due <= now for each in self._deferrals.values())

    def add_update(self, chat: int) -> None:
        """Count an update that is queued."""
        self._in_progress[chat] += 1

    def remove_update(self, chat: int) -> None:
        """Count an update that is no longer in progress."""
        self._in_progress[chat] -= 1
        if not self._in_progress[chat]:
            del self._in_progress[chat]

    def is_waiting(self, chat: int) -> bool:
        """Whether the updates of a chat wait."""
        deferral = self._deferrals.get(chat)
        return deferral is not None and deferral.is_active

    def is_refused(self, chat: int) -> bool:
        """Whether only the messages to a chat wait."""
        return self.is_waiting(chat) and not self._deferrals[chat].is_strict

    def let_wait(self, chat: int) -> None:
        """Note that an update waits for an earlier one."""
        self._deferrals[chat].is_complete = False

    def defer(
        self, chat: int, refused_for: float = 0.0, *, is_strict: bool = True, is_held: bool = False
    ) -> None:
        """Let the updates of a chat wait for one that has to be processed again.

        :param refused_for: seconds for which Telegram takes no message to the chat.
        :param is_strict: whether more than messages of the update may be missing.
        :param is_held: whether it was not tried to send them, since earlier ones wait.
        """
        deferral = self._deferrals.get(chat)
        if deferral is None or not is_held:
            deferral = self._deferrals.setdefault(chat, _Deferral())
            deferral.attempts += 1
            deferral.refused_until = monotonic() + refused_for
            wait = back_off(deferral.attempts, _FIRST_WAIT, _MAX_WAIT)
            deferral.due = monotonic() + max(wait, refused_for)
        deferral.is_strict |= is_strict
        deferral.is_active, deferral.is_complete = True, False

    def end_deferral(self, chat: int) -> None:
        """Note that an update of a chat was done, unless a later one waits."""
        if not self.is_waiting(chat):
            self._deferrals.pop(chat, None)

    def begin_release(self, *, only_due: bool) -> set[int]:
        """Return the chats whose updates may be queued again, once those stored are read."""
        now, chats = monotonic(), set()
        for chat, deferral in self._deferrals.items():
            is_free = deferral.is_active and not self._in_progress[chat]
            is_free = is_free and deferral.refused_until <= now
            if is_free and (not only_due or deferral.due <= now):
                deferral.is_complete = True
                chats.add(chat)
        return chats

    def release(self, chats: set[int]) -> set[int]:
        """Let the updates of chats no longer wait; return those for which that was possible.

        It is not where another update came meanwhile, which may be missing among those read.
        """
        released = {
            chat
            for chat in chats
            if self._deferrals[chat].is_complete and not self._in_progress[chat]
        }
        for chat in released:
            self._deferrals[chat].is_active = self._deferrals[chat].is_strict = False
        return released


URGENT = ("pre_checkout_query", "shipping_query", "inline_query")
"""Fields of an update that must be answered within seconds."""

MAX_CONCURRENT_CHATS = 1000
"""More than wait for a slow database within its patience, so that those who need none go on."""
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

    def hold(self, update_id: int, *, is_preceded: bool) -> bool:
        """Whether an update must show nothing yet.

        :param is_preceded: whether a message of an earlier update of its chat waits.
        """

    def fail(self, update_id: int, error: BaseException) -> None:
        """Take note of an error that no handler has dealt with."""

    def finish(self, update_id: int) -> None:
        """Take note of the end, whatever the outcome."""


@dataclass
class _ChatQueue:
    """The updates and events of one chat.

    :ivar count: how many there are.
    :ivar paused: how many of them wait in the middle, for a message that has to wait.
    """

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    count: int = 0
    paused: int = 0


class _Turn:
    """The turn of one update or event in its chat, and in all."""

    def __init__(self, chat_id: int, queue: _ChatQueue, slots: asyncio.Semaphore) -> None:
        self.chat_id = chat_id
        self.is_held = False
        self._queue = queue
        self._slots = slots
        self._is_taken = False
        self._is_over = False

    async def take(self) -> None:
        """Wait for it."""
        await self._queue.lock.acquire()  # asyncio's locks are fair
        try:
            await self._slots.acquire()
        except BaseException:
            self._queue.lock.release()
            raise
        self._is_taken = True

    def give_back(self) -> None:
        """Let the next one begin."""
        if self._is_taken:
            self._is_taken = False
            self._slots.release()
            self._queue.lock.release()

    def end(self) -> None:
        """End it; tasks that go on have no turn."""
        self.give_back()
        self.is_held, self._is_over = False, True

    @property
    def is_preceded(self) -> bool:
        """Whether an earlier one waits in the middle."""
        return self._queue.paused > 0

    @asynccontextmanager
    async def pause(self) -> AsyncIterator[None]:
        """Let the next ones be processed while the block runs."""
        if self._is_over:
            yield
            return
        self._queue.paused += 1
        self.give_back()
        try:
            yield
            await self.take()
        finally:
            self._queue.paused -= 1


class PerChatUpdateProcessor(BaseUpdateProcessor):
    """Processes each chat's updates and events in order.

    :param max_chats: how many chats at a time.
    """

    def __init__(self, progress: UpdateProgress, max_chats: int = MAX_CONCURRENT_CHATS) -> None:
        # With PTB's own limit one busy chat would delay all others and the urgent updates.
        super().__init__(_NO_LIMIT)
        self._progress = progress
        self._slots = asyncio.Semaphore(max_chats)
        self._beginning = asyncio.Lock()
        self._chats: dict[int, _ChatQueue] = {}

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
                await self._begin()
                await self._progress.run(number, coroutine)
            else:
                async with self._turn_of(key) as turn:
                    await self._begin()
                    turn.is_held = self._progress.hold(number, is_preceded=turn.is_preceded)
                    await self._progress.run(number, coroutine)
        except BaseException as error:
            self._progress.fail(number, error)
            raise
        finally:
            self._progress.finish(number)

    async def _begin(self) -> None:
        """Wait until one may begin.

        Handlers begin with what takes time of the processor, such as searching. They begin one by
        one, and between two of them goes on whatever else is ready, such as a pre-checkout.
        """
        async with self._beginning:
            await asyncio.sleep(0)

    async def _process_event(self, event: Any, coroutine: Awaitable[Any]) -> None:
        chat_event: ChatEvent = event
        structlog.contextvars.bind_contextvars(event=type(event).__name__)
        async with self._turn_of(chat_event.chat_id):
            await coroutine

    @asynccontextmanager
    async def _turn_of(self, chat_id: int) -> AsyncIterator[_Turn]:
        queue = self._chats.setdefault(chat_id, _ChatQueue())
        queue.count += 1
        turn = _Turn(chat_id, queue, self._slots)
        token = CURRENT_TURN.set(turn)
        try:
            await turn.take()
            yield turn
        finally:
            CURRENT_TURN.reset(token)
            turn.end()
            queue.count -= 1
            if not queue.count:
                del self._chats[chat_id]


def partition_key(update: Update) -> int | None:
    """The chat or else person whose updates are processed in order; `None` for urgent ones."""
    if any(getattr(update, name) is not None for name in URGENT):
        return None
    owner = update.effective_chat or update.effective_user
    return owner.id if owner is not None else None
