"""The scheduler of the desk's calls to Telegram.

Telegram takes about twenty calls a minute to a group, edits, topics and pins included, and refuses
everything to the group for a while after that. So one loop makes all calls to the staff group, the
most urgent first; handlers only queue them. Calls to subscribers are made beside it, each ticket's
in order.
"""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter

from bot.telegram.transport import retry_delay
from handlers.desk.board import TicketBoard
from handlers.desk.subscriber_calls import SubscriberCaller
from handlers.desk.topic_calls import TopicCaller
from services.clock import SystemClock, steady_time
from services.desk.call_types import CallKind, PendingCall
from services.desk.desk import SupportDesk
from services.desk.models import Lane, Ticket
from services.desk.ticket_states import BOT_IS_SILENT, TicketState
from services.storage.availability import is_transient
from services.storage.database import Database
from services.supervisor import Supervisor

MAX_PER_MINUTE = 18
"""Calls to the group; some are left for what is not ours to count, such as pins by hand."""
MAX_PER_TICKET = 3
"""Calls a minute for the messages of one subscriber, so that nobody takes the group's budget."""
_MESSAGES = frozenset({CallKind.TEXT, CallKind.COPY, CallKind.MEDIA, CallKind.EDIT})
_MINUTE = timedelta(minutes=1)
_INTERVAL = 0.5
_RETRY = timedelta(seconds=3)
_BROKEN = timedelta(seconds=30)
"""Wait after an error in our own code."""
_MAX_BROKEN = 3
"""Such errors after which a call is given up, so that those after it are made."""
_GROUP_AWAY = timedelta(minutes=1)
_MAX_CONCURRENT = 16

_log = structlog.get_logger()


@dataclass(frozen=True)
class _Failure:
    """A call that was not made.

    :ivar was_refused: whether Telegram said so, so that nothing was sent.
    """

    wait: timedelta
    was_refused: bool


class DeskScheduler:
    """Makes the calls that wait."""

    def __init__(
        self,
        desk: SupportDesk,
        database: Database,
        topics: TopicCaller,
        subscribers: SubscriberCaller,
        board: TicketBoard,
        clock: SystemClock,
    ) -> None:
        self._desk = desk
        self._database = database
        self._topics = topics
        self._subscribers = subscribers
        self._board = board
        self._clock = clock
        self._made: deque[datetime] = deque()
        """When calls to the group were made within the last minute, by the steady clock."""
        self._made_for: defaultdict[int, deque[datetime]] = defaultdict(deque)
        """The same for each ticket."""
        self._broken: Counter[int] = Counter()
        """Errors in our own code, by the call."""
        self._refused_until: datetime | None = None
        self._group_lock, self._private_lock = asyncio.Lock(), asyncio.Lock()

    @asynccontextmanager
    async def running(self, supervisor: Supervisor) -> AsyncIterator[None]:
        """Make calls while the block runs."""
        async with (
            supervisor.repeating("desk group", self._work_in_group, _INTERVAL),
            supervisor.repeating("desk subscribers", self._work_in_private, _INTERVAL),
        ):
            yield

    async def run_due(self, now: datetime) -> None:
        """Make every call that may be made by `now`."""
        await self._call_subscribers(now)
        await self._call_group(now)
        await self._call_subscribers(now)

    async def _work_in_group(self) -> None:
        await self._call_group(self._clock.now())

    async def _work_in_private(self) -> None:
        await self._call_subscribers(self._clock.now())

    async def _call_group(self, now: datetime) -> None:
        async with self._group_lock:
            while self._may_call_group(now):
                async with self._database.unit_of_work() as session:
                    is_board = await self._board.find_change(session, steady_time(now))
                    chosen = None if is_board else await self._choose(session, now)
                if is_board:
                    await self._call(self._board.show(steady_time(now)), now)
                elif chosen is None:
                    return
                else:
                    await self._call_topic(chosen, now)

    def _may_call_group(self, now: datetime, weight: int = 1) -> bool:
        """Whether the budget of this minute has room for a call of this weight."""
        moment = steady_time(now)
        if self._desk.group_id is None:
            return False
        if self._refused_until is not None and moment < self._refused_until:
            return False
        return _count_recent(self._made, moment) + weight <= MAX_PER_MINUTE

    async def _choose(self, session: AsyncSession, now: datetime) -> PendingCall | None:
        """Return the most urgent call to the group, where there is room for it."""
        heads = await self._desk.calls.list_heads(session)
        heads = [each for each in heads if each.lane != Lane.PRIVATE and each.not_before <= now]
        tickets = await _load_tickets(session, heads)
        moment = steady_time(now)
        possible = [
            (_rank(each, tickets[each.ticket_id]), each)
            for each in heads
            if not _is_message(each, tickets[each.ticket_id])
            or _count_recent(self._made_for[each.ticket_id], moment) < MAX_PER_TICKET
        ]
        if not possible:
            return None
        _, chosen = min(possible, key=lambda pair: pair[0])
        is_message = _is_message(chosen, tickets[chosen.ticket_id])
        if not is_message:
            chosen = replace(chosen, weight=1)  # an album whose topic has to be created first
        if not self._may_call_group(now, chosen.weight):
            return None
        if is_message:
            self._made_for[chosen.ticket_id].append(moment)
        return chosen

    async def _call_topic(self, chosen: PendingCall, now: datetime) -> None:
        failure = await self._call(self._topics.make(chosen, now), now, chosen.weight)
        if failure is None:
            return
        await self._postpone(chosen, failure, now)

    async def _call(self, work: Awaitable[None], now: datetime, weight: int = 1) -> _Failure | None:
        """Make one call to the group; after a refusal nothing is sent there for a while."""
        moment = steady_time(now)
        self._made.extend([moment] * weight)
        try:
            await work
        except RetryAfter as error:
            failure = _Failure(retry_delay(error), was_refused=True)
            _log.warning("desk_group_refuses", seconds=failure.wait.total_seconds())
        except (Forbidden, BadRequest) as error:  # the group itself cannot be written to
            failure = _Failure(_GROUP_AWAY, was_refused=True)
            _log.error("desk_group_unreachable", error=type(error).__name__)
        except NetworkError as error:
            _log.warning("desk_line_failed", error=type(error).__name__)
            self._refused_until = moment + _RETRY
            return _Failure(_RETRY, was_refused=False)
        except Exception as error:
            if is_transient(error):
                raise
            _log.error("desk_call_broken", error=type(error).__name__, exc_info=error)
            return _Failure(_BROKEN, was_refused=False)
        else:
            return None
        self._refused_until = moment + failure.wait
        return failure

    async def _call_subscribers(self, now: datetime) -> None:
        async with self._private_lock:
            while True:
                async with self._database.unit_of_work() as session:
                    heads = await self._desk.calls.list_heads(session)
                ready = [e for e in heads if e.lane == Lane.PRIVATE and e.not_before <= now]
                if not ready:
                    return
                await asyncio.gather(
                    *(self._call_subscriber(each, now) for each in ready[:_MAX_CONCURRENT])
                )

    async def _call_subscriber(self, chosen: PendingCall, now: datetime) -> None:
        try:
            await self._subscribers.make(chosen, now)
            return
        except RetryAfter as error:
            failure = _Failure(retry_delay(error), was_refused=True)
        except NetworkError as error:
            failure = _Failure(_RETRY, was_refused=False)
            _log.warning("desk_line_failed", error=type(error).__name__)
        except Exception as error:
            if is_transient(error):
                raise
            failure = _Failure(_BROKEN, was_refused=False)
            _log.error("desk_call_broken", error=type(error).__name__, exc_info=error)
        await self._postpone(chosen, failure, now)

    async def _postpone(self, chosen: PendingCall, failure: _Failure, now: datetime) -> None:
        """Make a call later; one that meets an error of ours again and again is given up."""
        if failure.wait == _BROKEN:
            self._broken[chosen.id] += 1
        calls = self._desk.calls
        async with self._database.unit_of_work() as session:
            if self._broken[chosen.id] >= _MAX_BROKEN:
                del self._broken[chosen.id]
                await calls.finish(session, chosen.id)
                return
            until, was_refused = now + failure.wait, failure.was_refused
            await calls.postpone(session, chosen.id, until, was_refused=was_refused)


def _is_message(call: PendingCall, ticket: Ticket) -> bool:
    """Whether a call is a message of the subscriber after the first one."""
    return call.kind in _MESSAGES and ticket.card_message_id is not None


def _count_recent(made: deque[datetime], moment: datetime) -> int:
    while made and made[0] <= moment - _MINUTE:
        made.popleft()
    return len(made)


def _rank(call: PendingCall, ticket: Ticket) -> tuple[int, datetime, int]:
    """Return the place of a call among the others; the lowest is made first."""
    if call.lane == Lane.UPKEEP:
        place = 3
    elif TicketState(ticket.state) in BOT_IS_SILENT:
        place = 0
    else:
        place = 1 if ticket.is_lost_card else 2
    return place, ticket.waits_since, call.id


async def _load_tickets(session: AsyncSession, heads: Sequence[PendingCall]) -> dict[int, Ticket]:
    ids = {each.ticket_id for each in heads}
    found = await session.scalars(select(Ticket).where(Ticket.id.in_(ids)))
    return {ticket.id: ticket for ticket in found}
