"""Intake of updates from poller, webhook and restart.

An update is in the inbox before it is confirmed to Telegram.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from telegram import Bot, Update
from telegram.error import NetworkError, TelegramError
from telegram.ext import Application

from bot.updates.update_processor import URGENT
from services.messaging.inbox import Inbox
from services.storage.transient_errors import is_transient

Json = dict[str, Any]

ALLOWED_UPDATES = (
    "message",
    "edited_message",
    "callback_query",
    "inline_query",
    "my_chat_member",
    "pre_checkout_query",
)

_NEVER_STORED = "pre_checkout_query"
"""Telegram waits ten seconds for the answer: a slow disk may take longer, and a restart does."""
_RECENT = 1000

_log = structlog.get_logger()


class Intake:
    """Stores updates, queues them, and records how each ended."""

    def __init__(self, inbox: Inbox, max_backlog: int) -> None:
        self._inbox = inbox
        self._max_backlog = max_backlog
        self._unfinished: set[int] = set()
        self._failed: dict[int, str] = {}
        self._unrecorded: set[int] = set()
        """Updates in progress with a payment that is not recorded yet."""
        self._answered: deque[int] = deque(maxlen=_RECENT)
        """The latest updates that are never stored, to recognise them when they come again."""
        self.has_room = asyncio.Event()
        """Set while more updates may be accepted."""
        self.has_room.set()
        self._application: Application[Any, Any, Any, Any, Any, Any] | None = None

    def attach(self, application: Application[Any, Any, Any, Any, Any, Any]) -> None:
        """Set the application that processes the updates."""
        self._application = application

    @property
    def backlog(self) -> int:
        """Number of updates accepted and not finished."""
        return len(self._unfinished)

    async def accept(self, items: Sequence[Json]) -> None:
        """Commit raw updates to the inbox, then queue the new ones.

        Those that are never stored are queued first.

        :raises SQLAlchemyError: when they could not be stored; Telegram must keep them.
        """
        not_stored = [item for item in items if _NEVER_STORED in item]
        self._enqueue([i for i in not_stored if i["update_id"] not in self._answered])
        self._answered.extend(item["update_id"] for item in not_stored)
        stored = [item for item in items if _NEVER_STORED not in item] if not_stored else items
        if stored:
            self._enqueue(await self._inbox.store(stored))

    async def enqueue_unfinished(self) -> int:
        """Queue stored updates that were never finished, and return how many there were."""
        busy = frozenset(self._unfinished)  # those that end meanwhile are not yet marked as done
        found = await self._inbox.load_unfinished()
        items = [i for i in found if i["update_id"] not in busy | self._unfinished]
        self._enqueue(items)
        return len(items)

    async def sweep(self) -> None:
        """Queue unfinished updates; a database error is left to the next sweep."""
        try:
            await self.enqueue_unfinished()
        except SQLAlchemyError as error:
            _log.error("sweep_failed", error=type(error).__name__)

    def fail(self, update_id: int, error: BaseException) -> None:
        """Note that processing an update failed with `error`."""
        self._failed[update_id] = "" if is_temporary(error) else type(error).__name__

    def confirm_charge_recorded(self, update_id: int) -> None:
        """Note that an update's payment is recorded; until then the update is never dropped."""
        self._unrecorded.discard(update_id)

    def finish(self, update_id: int) -> None:
        """Record the end of processing an update."""
        self._unfinished.discard(update_id)
        self._update_room()
        error = self._failed.pop(update_id, None)
        if update_id in self._unrecorded:
            self._unrecorded.discard(update_id)
            _log.error("charge_not_on_record", update_id=update_id)
        elif error is None:
            self._inbox.mark_done(update_id)
        elif error:
            self._inbox.mark_failed(update_id, error)
        # Else the error is temporary: the update stays unfinished, and a sweep queues it again.

    def _enqueue(self, items: Sequence[Json]) -> None:
        assert self._application is not None
        for item in sorted(items, key=_is_not_urgent):
            update_id = item["update_id"]
            update = _parse(item, self._application.bot)
            if update is None:
                if not _has_payment(item):
                    self._inbox.mark_failed(update_id, "unreadable")
                continue
            self._unfinished.add(update_id)
            if _has_payment(item):
                self._unrecorded.add(update_id)
            self._application.update_queue.put_nowait(update)
        self._update_room()

    def _update_room(self) -> None:
        if len(self._unfinished) < self._max_backlog:
            self.has_room.set()
        else:
            self.has_room.clear()


def is_update(item: object) -> bool:
    """Whether an item has an update id."""
    number = item.get("update_id") if isinstance(item, dict) else None
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**63


def is_temporary(error: BaseException) -> bool:
    """Whether the same update may succeed later."""
    return is_connection_failure(error) or is_transient(error)


def is_connection_failure(error: BaseException) -> bool:
    """Whether only the connection to Telegram failed."""
    return type(error) is NetworkError or (
        isinstance(error, TelegramError) and type(error).__name__ in {"TimedOut", "RetryAfter"}
    )


def _has_payment(item: Json) -> bool:
    return any(isinstance(part, dict) and "successful_payment" in part for part in item.values())


def _is_not_urgent(item: Json) -> bool:
    return not any(name in item for name in URGENT)


def _parse(item: Json, bot: Bot) -> Update | None:
    try:
        return Update.de_json(item, bot)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        _log.error("update_unreadable", update_id=item["update_id"], error=type(error).__name__)
        return None
