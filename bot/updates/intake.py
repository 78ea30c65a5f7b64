"""Intake of updates from poller, webhook and restart.

An update is in the inbox before it is confirmed to Telegram.
"""

import asyncio
import mmap
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import monotonic
from types import coroutine
from typing import Any

import structlog
from telegram.error import InvalidToken, NetworkError, RetryAfter, TimedOut
from telegram.ext import Application

from bot.telegram.rate_limiter import ChatRefusedError
from bot.telegram.transport import retry_delay
from bot.updates.update_parser import parse_update
from bot.updates.update_processor import URGENT, DeferredChats
from services.messaging.inbox import Inbox, chat_of, has_payment
from services.messaging.update_json import Json, ReceivedUpdate, UnreadableUpdate, texts_in
from services.storage.availability import is_transient

_ENTRY = struct.Struct("<Q")
_log = structlog.get_logger()


class CrashMarker:
    """Marks the update in progress in a file that outlives the process.

    An update may end the process in ways that no handler can catch. The next process finds its id
    here and counts it against the update (`services.messaging.inbox.Inbox.count_crash`), so that
    one update cannot keep the bot from running. Only the update whose code runs at this moment is
    marked, not those that wait for the network or the database; writing is an access to mapped
    memory. Nothing is marked until the file is opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._memory: mmap.mmap | None = None

    @contextmanager
    def keep_open(self) -> Iterator[int | None]:
        """Keep the file open while the block runs.

        Yields the update during which the last process ended, `None` for none. Where the file
        cannot be used, nothing is marked.
        """
        try:
            last = self._open()
        except (OSError, ValueError, struct.error) as error:
            _log.warning("crash_marker_unusable", error=type(error).__name__)
            last = None
        try:
            yield last
        finally:
            if self._memory is not None:
                self._memory.close()
                self._memory = None

    def _open(self) -> int | None:
        self._path.touch(mode=0o600)
        content = self._path.read_bytes()
        if len(content) != _ENTRY.size:
            content = bytes(_ENTRY.size)
            self._path.write_bytes(content)
        with self._path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _ENTRY.size)
        (entry,) = _ENTRY.unpack(content)
        self._write(0)
        return entry - 1 if entry else None

    def _write(self, entry: int) -> None:
        if self._memory is not None:
            _ENTRY.pack_into(self._memory, 0, entry)

    def mark(self, update_id: int, work: Callable[[], Any]) -> Any:
        """Return the result of `work`, with the update marked meanwhile."""
        self._write(update_id + 1)
        try:
            return work()
        finally:
            self._write(0)

    @coroutine
    def mark_steps(self, update_id: int, work: Awaitable[Any]) -> Generator[Any, Any, Any]:
        """Await `work`, with the update marked during each of its steps but not between them."""
        steps = work.__await__()
        step, value = steps.send, None
        while True:
            try:
                waiting = self.mark(update_id, partial(step, value))
            except StopIteration as ended:
                return ended.value
            try:
                step, value = steps.send, (yield waiting)
            except BaseException as error:
                step, value = steps.throw, error


ALLOWED_UPDATES = (
    "message",
    "edited_message",
    "callback_query",
    "inline_query",
    "my_chat_member",
    "chat_member",
    "pre_checkout_query",
)

_CHECKOUT, _QUERY = _NEVER_STORED = ("pre_checkout_query", "inline_query")
"""Telegram waits ten seconds for the answer to a checkout, and people wait less for one to what
they are typing: a slow disk may take longer, and a restart does."""
_RECENT = 1000
_SWEEP_SECONDS = 60.0
"""How often all unfinished updates are queued, such as those that an operator wants retried."""


class Intake:
    """Stores updates, queues them, and records how each ended."""

    def __init__(self, inbox: Inbox, crash_marker: CrashMarker, max_backlog: int) -> None:
        self._inbox = inbox
        self._crash_marker = crash_marker
        self._max_backlog = max_backlog
        self._unfinished: dict[int, int | None] = {}
        """The chats of the updates in progress, by their ids."""
        self._deferred = DeferredChats()
        self._next_sweep = 0.0
        self._last_progress = monotonic()
        self._failed: dict[int, str] = {}
        self._refused_for: dict[int, float] = {}
        """Seconds for which Telegram takes nothing more to the chats of updates in progress."""
        self._erasable: set[int] = set()
        """Updates in progress that are erased if they fail: secrets and recorded payments."""
        self._unrecorded: set[int] = set()
        """Updates in progress with a payment that is not recorded yet."""
        self._waiting: set[int] = set()
        """Updates in progress that are left for later, after an earlier one of their chat."""
        self._held: set[int] = set()
        """Updates in progress that must show nothing yet."""
        self._strict: set[int] = set()
        """Updates in progress that met an error which passes and is not only about messages."""
        self._repeated: set[int] = set()
        """Updates that were handled and left undone."""
        self._unstored: set[int] = set()
        """Updates in progress that are never stored."""
        self._answered: deque[int] = deque(maxlen=_RECENT)
        """The latest checkouts, to recognise them when they come again."""
        self.has_room = asyncio.Event()
        """Set while more updates may be accepted."""
        self.has_room.set()
        self._application: Application[Any, Any, Any, Any, Any, Any] | None = None
        self._looks_secret: Callable[[str], bool] = lambda _text: False
        self._is_silenced: Callable[[int], bool] = lambda _person: False

    def attach(
        self,
        application: Application[Any, Any, Any, Any, Any, Any],
        looks_secret: Callable[[str], bool],
        is_silenced: Callable[[int], bool],
    ) -> None:
        """Set the application that processes the updates.

        :param looks_secret: recognises a secret.
        :param is_silenced: whether the inline queries of a person are not answered for now.
        """
        self._application = application
        self._looks_secret = looks_secret
        self._is_silenced = is_silenced

    @property
    def stalled_seconds(self) -> float:
        """Seconds without a finished update, while there are any."""
        return monotonic() - self._last_progress if self._unfinished else 0.0

    @property
    def backlog(self) -> int:
        """Number of updates accepted and not finished."""
        return len(self._unfinished)

    async def accept(self, items: Sequence[ReceivedUpdate]) -> None:
        """Commit raw updates to the inbox, then queue the new ones.

        Checkouts are queued first, inline queries last; neither are stored.

        :raises DatabaseUnavailableError: when they could not be stored; Telegram must keep them.
        """
        checkouts = [i for i in items if isinstance(i, dict) and _CHECKOUT in i]
        queries = [i for i in items if isinstance(i, dict) and _QUERY in i]
        self._enqueue([i for i in checkouts if i["update_id"] not in self._answered])
        self._answered.extend(item["update_id"] for item in checkouts)
        stored = [i for i in items if isinstance(i, UnreadableUpdate) or not _is_never_stored(i)]
        if stored:
            self._enqueue(await self._inbox.store(stored))
        self._enqueue([i for i in queries if not self._is_silenced(_person_of(i))])
        for item in stored:
            if isinstance(item, UnreadableUpdate):
                _log.error("update_unreadable", update_id=item.update_id, error=item.error)

    async def count_crash(self, update_id: int) -> None:
        """Count that the last process ended during an update; one not stored is not repeated."""
        self._answered.append(update_id)
        await self._inbox.count_crash(update_id)

    async def take_up_again(self) -> None:
        """Queue unfinished updates of the chats for which it is time, once a minute all.

        :raises DatabaseUnavailableError: when they could not be read.
        """
        if monotonic() >= self._next_sweep:
            await self.enqueue_unfinished()
        elif self._deferred.is_any_due:
            await self.enqueue_unfinished(only_due=True)

    async def enqueue_unfinished(self, *, only_due: bool = False) -> int:
        """Queue stored updates that were never finished, and return how many there were.

        :param only_due: only those of chats in which it is time to process one again.
        :raises DatabaseUnavailableError: when they could not be read.
        """
        busy = frozenset(self._unfinished)  # those that end meanwhile are not yet marked as done
        free = self._deferred.begin_release(only_due=only_due)
        found = await self._inbox.load_unfinished()
        released = self._deferred.release(free)
        if not only_due:
            self._next_sweep = monotonic() + _SWEEP_SECONDS
        items = [
            item
            for item in found
            if item["update_id"] not in busy
            and item["update_id"] not in self._unfinished
            and self._may_be_queued(_order_of(item), released if only_due else None)
        ]
        self._enqueue(items)
        return len(items)

    def _may_be_queued(self, chat: int | None, released: set[int] | None) -> bool:
        """Whether an update of a chat does not have to wait and is among those that are wanted."""
        if chat is None:
            return released is None
        return not self._deferred.is_waiting(chat) and (released is None or chat in released)

    def hold(self, update_id: int, *, is_preceded: bool) -> bool:
        """Whether an update must show nothing yet.

        :param is_preceded: whether a message of an earlier update of its chat waits.
        """
        chat = self._unfinished.get(update_id)
        is_held = is_preceded or (chat is not None and self._deferred.is_refused(chat))
        if is_held:
            self._held.add(update_id)
        return is_held

    def run(self, update_id: int, work: Awaitable[Any]) -> Awaitable[Any]:
        """Run the handlers of an update, unless an earlier one of its chat is still undone.

        It is known if the process ends meanwhile.
        """
        chat = self._unfinished.get(update_id)
        is_waiting = chat is not None and self._deferred.is_waiting(chat)
        if chat is None or not is_waiting or self._deferred.is_refused(chat):
            return self._crash_marker.mark_steps(update_id, work)
        if isinstance(work, Coroutine):
            work.close()
        self._deferred.let_wait(chat)
        self._waiting.add(update_id)
        return asyncio.sleep(0)

    def fail(self, update_id: int, error: BaseException) -> None:
        """Note that processing an update failed with `error`."""
        self._failed[update_id] = "" if is_temporary(error) else type(error).__name__
        if isinstance(error, RetryAfter):
            self._refused_for[update_id] = retry_delay(error).total_seconds()
        if is_temporary(error) and not isinstance(error, ChatRefusedError):
            self._strict.add(update_id)

    def confirm_charge_recorded(self, update_id: int) -> None:
        """Note that an update's payment is recorded; until then the update is never dropped."""
        self._unrecorded.discard(update_id)
        self._erasable.add(update_id)

    def mark_secret(self, update_id: int) -> None:
        """Note that an update's text is a secret, so that it is erased also if it fails."""
        self._erasable.add(update_id)

    def is_repeated(self, update_id: int) -> bool:
        """Whether an update was handled before and left undone."""
        return update_id in self._repeated

    def finish(self, update_id: int) -> None:
        """Record the end of processing an update.

        After a temporary error the update stays unfinished, and is queued again later.
        """
        self._last_progress = monotonic()
        chat = self._unfinished.pop(update_id, None)
        if chat is not None:
            self._deferred.remove_update(chat)
        self._update_room()
        error = self._failed.pop(update_id, None)
        is_unrecorded, is_erasable = update_id in self._unrecorded, update_id in self._erasable
        is_waiting, is_held = update_id in self._waiting, update_id in self._held
        is_strict = update_id in self._strict
        refused_for = self._refused_for.pop(update_id, 0.0)
        for progress in (self._unrecorded, self._erasable, self._waiting, self._held, self._strict):
            progress.discard(update_id)
        if update_id in self._unstored:
            self._unstored.discard(update_id)
            return
        if is_waiting:
            return
        if error == "":
            self._repeated.add(update_id)
        else:
            self._repeated.discard(update_id)
        if is_unrecorded:
            _log.error("charge_not_on_record", update_id=update_id)
        if error:
            self._inbox.mark_failed(update_id, error, erase=is_erasable and not is_unrecorded)
        elif error is None and not is_unrecorded:
            self._inbox.mark_done(update_id)
        if chat is not None and error == "":
            self._deferred.defer(chat, refused_for, is_strict=is_strict, is_held=is_held)
        elif chat is not None and not is_held:
            self._deferred.end_deferral(chat)

    def _enqueue(self, items: Sequence[Json]) -> None:
        assert self._application is not None
        bot = self._application.bot
        for item in sorted(items, key=_is_not_urgent):
            update_id = item["update_id"]
            try:
                update = self._crash_marker.mark(update_id, partial(parse_update, item, bot))
            except Exception as error:  # PTB takes the types of all fields for granted
                self._set_aside(item, error)
                continue
            if not self._unfinished:
                self._last_progress = monotonic()
            chat = self._unfinished[update_id] = _order_of(item)
            if _is_never_stored(item):
                self._unstored.add(update_id)
            if chat is not None:
                self._deferred.add_update(chat)
            if has_payment(item):
                self._unrecorded.add(update_id)
            self._application.update_queue.put_nowait(update)
        self._update_room()

    def _set_aside(self, item: Json, error: Exception) -> None:
        """Mark an update as failed that cannot be parsed."""
        update_id, reason = item["update_id"], type(error).__name__
        _log.error("update_unreadable", update_id=update_id, error=reason)
        is_secret = not has_payment(item) and any(map(self._looks_secret, texts_in(item)))
        self._inbox.mark_failed(update_id, reason, erase=is_secret)

    def _update_room(self) -> None:
        if len(self._unfinished) < self._max_backlog:
            self.has_room.set()
        else:
            self.has_room.clear()


def is_temporary(error: BaseException) -> bool:
    """Whether the same update may succeed later, or was only interrupted."""
    is_interrupted = not isinstance(error, Exception)
    return is_interrupted or is_connection_failure(error) or is_transient(error)


def is_connection_failure(error: BaseException) -> bool:
    """Whether Telegram could not be reached, or refuses everything or everybody for now."""
    return type(error) is NetworkError or isinstance(error, TimedOut | RetryAfter | InvalidToken)


def _is_not_urgent(item: Json) -> bool:
    return not any(name in item for name in URGENT)


def _is_never_stored(item: Json) -> bool:
    return any(kind in item for kind in _NEVER_STORED)


def _person_of(item: Json) -> int:
    """Return who asks inline; 0 where that cannot be read."""
    query = item[_QUERY]
    sender = query.get("from") if isinstance(query, dict) else None
    person = sender.get("id") if isinstance(sender, dict) else None
    return person if isinstance(person, int) else 0


def _order_of(item: Json) -> int | None:
    """The chat within which an update keeps its order; `None` for one that is urgent."""
    return chat_of(item) if _is_not_urgent(item) else None
