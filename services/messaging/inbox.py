"""The inbox: every update is stored here before it is confirmed to Telegram.

An update that meets an error which would come again is set aside as failed. Its payload stays
sealed for `KEPT_FAILED`, that of a payment until the charge is on record or somebody drops it;
`services.messaging.failed_updates` lists, retries and drops them.

One writer task collects new updates and marks of finished ones into one transaction, since one
transaction per update would cost far more than the update itself.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import structlog
from sqlalchemy import ColumnElement, Update, and_, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.messaging.update_json import (
    IDS,
    Json,
    ReceivedUpdate,
    UnreadableUpdate,
    read_update,
)
from services.storage.availability import DatabaseUnavailableError
from services.storage.database import Database, insert_or_ignore
from services.storage.keys import KeyFileError, KeyRing, UnsealError, key_id_of
from services.storage.models import InboxUpdate, UpdateState
from services.supervisor import Supervisor

PAYMENT = "successful_payment"
"""Kind of the updates that report a charge."""
UNREADABLE = "unreadable"
"""Kind of the updates that are no JSON or cannot be stored as JSON."""
_UNKNOWN = "unknown"
_FIELD_NAME = re.compile(r"[a-z][a-z_]{0,31}")

_MARK_DELAY = 0.05
"""Seconds that marks wait to share a transaction; a process killed meanwhile answers again."""
_LAST_RETRIES = (0.5, 1.0, 2.0)
"""Seconds between the attempts to write what is left at the end."""
RETENTION = timedelta(days=3)
"""How long the id of a finished update is kept. Telegram keeps updates for one day."""
KEPT_FAILED = timedelta(days=7)
"""How long a failed update is kept, from its arrival."""
RETRY_LIMIT = timedelta(minutes=10)
"""How old a failed update may be to be processed again; a payment may be older."""

MAX_CRASHES = 5
"""Ends of the process during an update after which it is set aside: so many that somebody who kills
the process from outside does not make an innocent one look guilty."""
_CRASH = "ProcessEnded"
"""Error of an update that is set aside for that."""

_log = structlog.get_logger()


def seal_context(update_id: int) -> str:
    """The context that a payload is sealed for."""
    return f"inbox/{update_id}"


def update_id_of(update: ReceivedUpdate) -> int:
    """Return the id of an update."""
    if isinstance(update, UnreadableUpdate):
        return update.update_id
    number: int = update["update_id"]
    return number


def has_payment(update: Json) -> bool:
    """Whether an update reports a charge."""
    return any(isinstance(part, dict) and PAYMENT in part for part in update.values())


def chat_of(update: Json) -> int | None:
    """Return the chat of an update, or else the person, within which updates keep their order."""
    for part in update.values():
        for found in (_get(part, "chat"), _get(part, "message", "chat"), _get(part, "from")):
            number = _get(found, "id")
            if type(number) is int and number in IDS:
                return number
    return None


def _get(part: object, *names: str) -> Any:
    for name in names:
        part = part.get(name) if isinstance(part, dict) else None
    return part


def _kind_of(update: ReceivedUpdate) -> str:
    """Return the kind of an update: `PAYMENT`, or the name of its field, such as ``message``.

    An unreadable one may report a charge all the same.
    """
    if isinstance(update, UnreadableUpdate):
        return PAYMENT if PAYMENT.encode() in update.raw else UNREADABLE
    if has_payment(update):
        return PAYMENT
    names = (name for name in update if name != "update_id")
    return next((name for name in names if _FIELD_NAME.fullmatch(name)), _UNKNOWN)


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why an update failed.

    :ivar error: name of the error's type.
    :ivar erase: whether its payload is erased immediately.
    """

    error: str
    erase: bool


@dataclass(slots=True)
class _Batch:
    """The contents of the next transaction."""

    updates: list[tuple[Sequence[ReceivedUpdate], asyncio.Future[list[Json]]]] = field(
        default_factory=list
    )
    done: list[int] = field(default_factory=list)
    failed: dict[int, _Failure] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.updates or self.done or self.failed)


class Inbox:
    """Stores updates and how each ended."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys
        self._batch = _Batch()
        self._unwritten: set[int] = set()
        """Ids of updates that ended and are not yet marked in the database."""
        self._unreadable: set[int] = set()
        """Ids of updates that could not be decrypted, each logged once."""
        self._wake = asyncio.Event()
        self._urgent = asyncio.Event()

    async def store(self, updates: Sequence[ReceivedUpdate]) -> list[Json]:
        """Store updates, and return those not known before once they are committed.

        Unreadable ones are set aside as failed, and not returned.

        :raises DatabaseUnavailableError: when they could not be stored.
        """
        stored: asyncio.Future[list[Json]] = asyncio.get_running_loop().create_future()
        self._batch.updates.append((updates, stored))
        self._urgent.set()
        self._wake.set()
        return await stored

    def mark_done(self, update_id: int) -> None:
        """Mark an update as answered; the next transaction erases its payload."""
        self._batch.done.append(update_id)
        self._unwritten.add(update_id)
        self._wake.set()

    def mark_failed(self, update_id: int, error: str, *, erase: bool = False) -> None:
        """Mark an update as failed.

        :param error: name of the error's type.
        :param erase: whether to erase its payload immediately, since it contains a secret.
        """
        self._batch.failed[update_id] = _Failure(error, erase)
        self._unwritten.add(update_id)
        self._wake.set()

    @asynccontextmanager
    async def running(self, supervisor: Supervisor) -> AsyncIterator[None]:
        """Run the writer; it writes what is left when the block ends."""
        try:
            async with supervisor.repeating(
                "inbox writer", self._write_next, interrupt=self._hurry
            ):
                yield
        finally:
            await self._write_rest()

    async def load_unfinished(self, now: datetime | None = None) -> list[Json]:
        """Return every stored update that is to be processed, in order of arrival.

        That includes failed payments. An update that somebody wants retried and that has become
        too old for it meanwhile is failed again. One that cannot be decrypted is skipped and kept
        until its key is back, since it may report a payment.
        """
        now = now or datetime.now(UTC)
        query = select(InboxUpdate.update_id, InboxUpdate.payload).where(_is_unfinished())
        ended = frozenset(self._unwritten)
        async with self._database.unit_of_work() as session:
            await session.execute(_fail_late_retries(now))
            found = await session.execute(query.order_by(InboxUpdate.update_id))
            rows = [row for row in found.all() if row[0] not in ended]
        return [opened for row in rows if (opened := self._open(*row)) is not None]

    async def count_crash(self, update_id: int) -> None:
        """Count that the process ended during an update; after a few it is set aside."""
        is_unfinished = (InboxUpdate.update_id == update_id, _is_unfinished())
        async with self._database.unit_of_work() as session:
            row = await session.scalar(select(InboxUpdate).where(*is_unfinished))
            if row is None:
                return
            row.crashes += 1
            is_set_aside = row.crashes >= MAX_CRASHES
            if is_set_aside:
                row.state, row.error = UpdateState.FAILED, _CRASH
        _log.error("update_ended_process", update_id=update_id, set_aside=is_set_aside)

    async def count_by_state(self) -> dict[str, int]:
        """Return the number of updates in each state."""
        query = select(InboxUpdate.state, func.count()).group_by(InboxUpdate.state)
        async with self._database.unit_of_work() as session:
            found = {row[0]: row[1] for row in (await session.execute(query)).all()}
        return {state: found.get(state, 0) for state in UpdateState}

    async def delete_old(self, session: AsyncSession, now: datetime) -> None:
        """Delete updates that ended so long ago that Telegram cannot send them again.

        Failed payments are kept until their charge is on record or somebody drops them.
        """
        done = and_(InboxUpdate.state == UpdateState.DONE, _arrived_before(now - RETENTION))
        no_payment = or_(InboxUpdate.kind != PAYMENT, InboxUpdate.payload.is_(None))
        failed = and_(
            InboxUpdate.state == UpdateState.FAILED,
            _arrived_before(now - KEPT_FAILED),
            no_payment,
        )
        await session.execute(delete(InboxUpdate).where(or_(done, failed)))

    def _open(self, update_id: int, payload: bytes | None) -> Json | None:
        try:
            opened = read_update(self._keys.unseal(payload or b"", seal_context(update_id)))
        except (UnsealError, KeyFileError):
            if update_id not in self._unreadable:
                self._unreadable.add(update_id)
                _log.error("inbox_unreadable", update_id=update_id, key=key_id_of(payload or b""))
            return None
        return opened if isinstance(opened, dict) else None

    def _hurry(self) -> None:
        self._urgent.set()
        self._wake.set()

    async def _write_next(self) -> None:
        await self._wake.wait()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._urgent.wait(), _MARK_DELAY)
        await self._write_once()

    async def _write_rest(self) -> None:
        """Write what is left; a database that is away just now gets another chance."""
        for seconds in _LAST_RETRIES:
            try:
                await self._write_once()
            except DatabaseUnavailableError:
                await asyncio.sleep(seconds)
            else:
                return
        await self._write_once()

    async def _write_once(self) -> None:
        work, self._batch = self._batch, _Batch()
        self._wake.clear()
        self._urgent.clear()
        if not work:
            return
        try:
            fresh = await self._commit(work)
        except Exception as error:
            self._requeue_marks(work, error)
            raise
        self._unwritten.difference_update(work.done, work.failed)
        for (_, stored), new in zip(work.updates, fresh, strict=True):
            if not stored.done():
                stored.set_result(new)

    def _requeue_marks(self, work: _Batch, error: Exception) -> None:
        """Pass the error to the callers of `store`, and keep the marks for the next transaction."""
        _log.error("inbox_not_written", error=type(error).__name__)
        for _, stored in work.updates:
            if not stored.done():
                stored.set_exception(error)
        self._batch.done = work.done + self._batch.done
        self._batch.failed = work.failed | self._batch.failed
        if self._batch:
            self._wake.set()

    async def _commit(self, work: _Batch) -> list[list[Json]]:
        async with self._database.unit_of_work(is_urgent=True) as session:
            new = await self._insert_new(session, work)
            await _write_marks(session, work)
        return [_take(new, updates) for updates, _ in work.updates]

    async def _insert_new(self, session: AsyncSession, work: _Batch) -> set[int]:
        """Store the updates whose ids are not stored yet, and return those ids."""
        rows = [self._row(item) for updates, _ in work.updates for item in updates]
        if not rows:
            return set()
        insert = insert_or_ignore(session, InboxUpdate).returning(InboxUpdate.update_id)
        return set((await session.scalars(insert, rows)).all())

    def _row(self, item: ReceivedUpdate) -> Json:
        update_id = update_id_of(item)
        if isinstance(item, UnreadableUpdate):
            row: Json = {"state": UpdateState.FAILED, "error": item.error, "chat_id": None}
            payload = item.raw
        else:
            row = {"state": UpdateState.NEW, "error": None, "chat_id": chat_of(item)}
            payload = orjson.dumps(item)
        sealed = self._keys.seal(payload, seal_context(update_id))
        row |= {"update_id": update_id, "received_at": datetime.now(UTC)}
        return row | {"kind": _kind_of(item), "payload": sealed}


def may_be_retried(now: datetime) -> ColumnElement[bool]:
    """Condition that an update may be processed again where somebody wants it.

    A payment may at any time. Anything else would surprise the person later than `RETRY_LIMIT`,
    and after a newer update of the chat.
    """
    newer = aliased(InboxUpdate)
    has_newer = exists().where(
        newer.chat_id == InboxUpdate.chat_id,
        newer.update_id > InboxUpdate.update_id,
        newer.error.is_(None),
    )
    in_time = and_(
        InboxUpdate.received_at > now - RETRY_LIMIT, InboxUpdate.chat_id.is_not(None), ~has_newer
    )
    return or_(InboxUpdate.kind == PAYMENT, in_time)


def _is_unfinished() -> ColumnElement[bool]:
    is_failed_payment = and_(
        InboxUpdate.state == UpdateState.FAILED,
        InboxUpdate.kind == PAYMENT,
        InboxUpdate.payload.is_not(None),
        InboxUpdate.crashes < MAX_CRASHES,
    )
    return or_(InboxUpdate.state == UpdateState.NEW, is_failed_payment)


def _fail_late_retries(now: datetime) -> Update:
    """Statement that fails what is to be retried, recognised by its error, and no longer may."""
    is_retry = (InboxUpdate.state == UpdateState.NEW, InboxUpdate.error.is_not(None))
    late = update(InboxUpdate).where(*is_retry, ~may_be_retried(now))
    return late.values(state=UpdateState.FAILED).execution_options(synchronize_session=False)


def _arrived_before(moment: datetime) -> ColumnElement[bool]:
    return InboxUpdate.received_at < moment


def _take(new: set[int], updates: Sequence[ReceivedUpdate]) -> list[Json]:
    """Take the ids of `updates` out of `new`, and return those that can be processed, each once."""
    taken = []
    for item in updates:
        if (update_id := update_id_of(item)) in new:
            new.remove(update_id)
            taken.append(item)
    return [item for item in taken if isinstance(item, dict)]


async def _write_marks(session: AsyncSession, work: _Batch) -> None:
    mark = update(InboxUpdate).execution_options(synchronize_session=False)
    if work.done:
        done = mark.where(InboxUpdate.update_id.in_(work.done))
        await session.execute(done.values(state=UpdateState.DONE, payload=None, error=None))
    for update_id, failure in work.failed.items():
        failed = mark.where(InboxUpdate.update_id == update_id)
        values: Json = {"state": UpdateState.FAILED, "error": failure.error}
        if failure.erase:
            values["payload"] = None
        await session.execute(failed.values(values))
