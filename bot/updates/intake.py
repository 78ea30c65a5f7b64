"""Intake: an update is in the inbox before Telegram hears that we have it.

Whoever brings updates (the poller, the webhook, a restart) hands them over here.
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
from services.storage.passing import is_passing

Json = dict[str, Any]

ALLOWED_UPDATES = (
    "message",
    "edited_message",
    "callback_query",
    "inline_query",
    "my_chat_member",
    "pre_checkout_query",
)

_FLEETING = "pre_checkout_query"
"""Telegram waits ten seconds for its answer: what a slow disk may take, and a restart always."""
_REMEMBERED = 1000

_log = structlog.get_logger()


class Intake:
    """Stores updates, puts them in line, and notes how each ended."""

    def __init__(self, inbox: Inbox, max_backlog: int) -> None:
        self._inbox = inbox
        self._max_backlog = max_backlog
        self._in_hand: set[int] = set()
        self._failed: dict[int, str] = {}
        self._unrecorded: set[int] = set()
        """Updates in hand that tell of money which is not on record yet."""
        self._answered: deque[int] = deque(maxlen=_REMEMBERED)
        """The latest fleeting updates, which may come again since the inbox does not know them."""
        self.room = asyncio.Event()
        """Set while more may be taken in."""
        self.room.set()
        self._application: Application[Any, Any, Any, Any, Any, Any] | None = None

    def attach(self, application: Application[Any, Any, Any, Any, Any, Any]) -> None:
        """Say who works on the updates."""
        self._application = application

    @property
    def backlog(self) -> int:
        """Number of updates taken in and not finished."""
        return len(self._in_hand)

    async def accept(self, items: Sequence[Json]) -> None:
        """Commit raw updates to the inbox, then put the new ones in line.

        A fleeting one is put in line before, and not stored.

        :raises SQLAlchemyError: when they could not be stored; Telegram must keep them.
        """
        fleeting = [item for item in items if _FLEETING in item]
        self._line_up([i for i in fleeting if i["update_id"] not in self._answered])
        self._answered.extend(item["update_id"] for item in fleeting)
        lasting = [item for item in items if _FLEETING not in item] if fleeting else items
        if lasting:
            self._line_up(await self._inbox.put(lasting))

    async def resume(self) -> int:
        """Put in line what was stored and never finished; give how many those were."""
        busy = frozenset(self._in_hand)  # what ends meanwhile was not yet done when we looked
        found = await self._inbox.undone()
        items = [i for i in found if i["update_id"] not in busy | self._in_hand]
        self._line_up(items)
        return len(items)

    async def sweep(self) -> None:
        """Resume; where the database is away, the next sweep may do it."""
        try:
            await self.resume()
        except SQLAlchemyError as error:
            _log.error("sweep_failed", error=type(error).__name__)

    def fail(self, update_id: int, error: BaseException) -> None:
        """Note that the work on an update ended with `error`."""
        self._failed[update_id] = "" if will_pass(error) else type(error).__name__

    def charge_on_record(self, update_id: int) -> None:
        """Note that the money an update tells of is on record; before, it is never let go."""
        self._unrecorded.discard(update_id)

    def finished(self, update_id: int) -> None:
        """Note that the work on an update has ended."""
        self._in_hand.discard(update_id)
        self._note_room()
        error = self._failed.pop(update_id, None)
        if update_id in self._unrecorded:
            self._unrecorded.discard(update_id)
            _log.error("charge_not_on_record", update_id=update_id)
        elif error is None:
            self._inbox.mark_done(update_id)
        elif error:
            self._inbox.mark_failed(update_id, error)
        # Else what happened will pass: the update stays undone and `resume` finds it again.

    def _line_up(self, items: Sequence[Json]) -> None:
        assert self._application is not None
        for item in sorted(items, key=_is_patient):
            update_id = item["update_id"]
            update = _parse(item, self._application.bot)
            if update is None:
                if not _tells_of_money(item):
                    self._inbox.mark_failed(update_id, "unreadable")
                continue
            self._in_hand.add(update_id)
            if _tells_of_money(item):
                self._unrecorded.add(update_id)
            self._application.update_queue.put_nowait(update)
        self._note_room()

    def _note_room(self) -> None:
        if len(self._in_hand) < self._max_backlog:
            self.room.set()
        else:
            self.room.clear()


def is_update(item: object) -> bool:
    """Tell whether an item has the one thing every update has: a number of its own."""
    number = item.get("update_id") if isinstance(item, dict) else None
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**63


def will_pass(error: BaseException) -> bool:
    """Tell whether an error is of the moment, so that the same update may go well later."""
    return is_line_failure(error) or is_passing(error)


def is_line_failure(error: BaseException) -> bool:
    """Tell whether only the connection to Telegram failed, so that trying later may help."""
    return type(error) is NetworkError or (
        isinstance(error, TelegramError) and type(error).__name__ in {"TimedOut", "RetryAfter"}
    )


def _tells_of_money(item: Json) -> bool:
    return any(isinstance(part, dict) and "successful_payment" in part for part in item.values())


def _is_patient(item: Json) -> bool:
    return not any(name in item for name in URGENT)


def _parse(item: Json, bot: Bot) -> Update | None:
    try:
        return Update.de_json(item, bot)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        _log.error("update_unreadable", update_id=item["update_id"], error=type(error).__name__)
        return None
