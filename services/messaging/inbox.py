"""The inbox: every update is written here before Telegram is told that we have it.

One writer task gathers what arrives meanwhile (new updates, done-marks) into one transaction,
since a transaction an update would cost far more than the update itself.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from services.storage.database import Database
from services.storage.inserting import insert_new
from services.storage.keys import KeyFileError, KeyRing, UnsealError, key_id_of
from services.storage.models import InboxUpdate, UpdateState

Json = dict[str, Any]

_MARK_DELAY = 0.05
"""How long (seconds) done-marks wait for company; a process killed meanwhile answers again."""
_RETRY_DELAY = 1.0
KEEP = timedelta(days=3)
"""How long a done update's number is remembered. Telegram forgets updates after one day."""

_log = structlog.get_logger()


def place(update_id: int) -> str:
    """Give the place a payload is sealed for."""
    return f"inbox/{update_id}"


@dataclass(slots=True)
class _Work:
    """What the next transaction will write."""

    updates: list[tuple[Sequence[Json], asyncio.Future[list[Json]]]] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.updates or self.done or self.failed)


class Inbox:
    """Takes updates in, and remembers which are done."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys
        self._work = _Work()
        self._unwritten: set[int] = set()
        """What is done or failed, and not yet noted as such."""
        self._unreadable: set[int] = set()
        """What cannot be opened, as was said in the log."""
        self._wake = asyncio.Event()
        self._urgent = asyncio.Event()
        self._stopping = False

    async def put(self, updates: Sequence[Json]) -> list[Json]:
        """Store `updates` and give those not known before, once they are committed.

        :raises SQLAlchemyError: when they could not be stored.
        """
        stored: asyncio.Future[list[Json]] = asyncio.get_running_loop().create_future()
        self._work.updates.append((updates, stored))
        self._urgent.set()
        self._wake.set()
        return await stored

    def mark_done(self, update_id: int) -> None:
        """Note that an update is answered; its payload is erased with the next transaction."""
        self._work.done.append(update_id)
        self._unwritten.add(update_id)
        self._wake.set()

    def mark_failed(self, update_id: int, error: str) -> None:
        """Note that an update could not be answered; `error` names the type of what happened."""
        self._work.failed[update_id] = error
        self._unwritten.add(update_id)
        self._wake.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write while the block runs, and what is left when it ends."""
        writer = asyncio.create_task(self._write_forever(), name="inbox writer")
        try:
            yield
        finally:
            self._stopping = True
            self._urgent.set()
            self._wake.set()
            await writer

    async def undone(self) -> list[Json]:
        """Give every stored update that is neither done nor failed, in order of arrival.

        One that cannot be opened waits for its key: it may tell of money.
        """
        query = select(InboxUpdate.update_id, InboxUpdate.payload)
        query = query.where(InboxUpdate.state == UpdateState.NEW).order_by(InboxUpdate.update_id)
        ended = frozenset(self._unwritten)
        async with self._database.unit_of_work() as session:
            rows = [row for row in (await session.execute(query)).all() if row[0] not in ended]
        return [opened for row in rows if (opened := self._open(*row)) is not None]

    async def counts(self) -> dict[str, int]:
        """Give the number of updates in each state."""
        query = select(InboxUpdate.state, func.count()).group_by(InboxUpdate.state)
        async with self._database.unit_of_work() as session:
            found = {row[0]: row[1] for row in (await session.execute(query)).all()}
        return {state: found.get(state, 0) for state in UpdateState}

    async def forget_old(self, session: AsyncSession, now: datetime) -> None:
        """Delete what was done or failed so long ago that it cannot come again."""
        old = InboxUpdate.received_at < now - KEEP
        await session.execute(delete(InboxUpdate).where(old, InboxUpdate.state != UpdateState.NEW))

    def _open(self, update_id: int, payload: bytes | None) -> Json | None:
        try:
            opened: Json = orjson.loads(self._keys.unseal(payload or b"", place(update_id)))
        except (UnsealError, KeyFileError):
            if update_id not in self._unreadable:
                self._unreadable.add(update_id)
                _log.error("inbox_unreadable", update_id=update_id, key=key_id_of(payload or b""))
            return None
        return opened

    async def _write_forever(self) -> None:
        while not self._stopping:
            await self._wake.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._urgent.wait(), _MARK_DELAY)
            await self._write_once()
        await self._write_once()

    async def _write_once(self) -> None:
        work, self._work = self._work, _Work()
        self._wake.clear()
        self._urgent.clear()
        if not work:
            return
        try:
            fresh = await self._commit(work)
        except SQLAlchemyError as error:
            await self._put_back(work, error)
            return
        self._unwritten.difference_update(work.done, work.failed)
        for (_, stored), new in zip(work.updates, fresh, strict=True):
            if not stored.done():
                stored.set_result(new)

    async def _put_back(self, work: _Work, error: SQLAlchemyError) -> None:
        """Tell the senders, who will send again, and keep the marks for the next transaction."""
        _log.error("inbox_not_written", error=type(error).__name__)
        for _, stored in work.updates:
            if not stored.done():
                stored.set_exception(error)
        self._work.done = work.done + self._work.done
        self._work.failed = work.failed | self._work.failed
        if not self._stopping:
            await asyncio.sleep(_RETRY_DELAY)
        if self._work:
            self._wake.set()

    async def _commit(self, work: _Work) -> list[list[Json]]:
        async with self._database.unit_of_work() as session:
            known = await self._known(session, work)
            fresh = [_without(known, updates) for updates, _ in work.updates]
            rows = [self._row(item) for new in fresh for item in new]
            if rows:
                await session.execute(insert_new(session, InboxUpdate), rows)
            await _mark(session, work)
        return fresh

    async def _known(self, session: AsyncSession, work: _Work) -> set[int]:
        ids = [item["update_id"] for updates, _ in work.updates for item in updates]
        if not ids:
            return set()
        query = select(InboxUpdate.update_id).where(InboxUpdate.update_id.in_(ids))
        return set((await session.scalars(query)).all())

    def _row(self, item: Json) -> Json:
        update_id = item["update_id"]
        return {
            "update_id": update_id,
            "state": UpdateState.NEW,
            "received_at": datetime.now(UTC),
            "payload": self._keys.seal(orjson.dumps(item), place(update_id)),
        }


def _without(known: set[int], updates: Sequence[Json]) -> list[Json]:
    """Give the updates not in `known`, each once, and add them to it."""
    fresh = []
    for item in updates:
        if item["update_id"] not in known:
            known.add(item["update_id"])
            fresh.append(item)
    return fresh


async def _mark(session: AsyncSession, work: _Work) -> None:
    erase = update(InboxUpdate).execution_options(synchronize_session=False)
    if work.done:
        done = erase.where(InboxUpdate.update_id.in_(work.done))
        await session.execute(done.values(state=UpdateState.DONE, payload=None))
    for update_id, error in work.failed.items():
        failed = erase.where(InboxUpdate.update_id == update_id)
        await session.execute(failed.values(state=UpdateState.FAILED, payload=None, error=error))
