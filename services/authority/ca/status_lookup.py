"""Status look-ups for the responder, batched: concurrent requests share one transaction.

A transaction costs a millisecond, whether it looks up one certificate or twenty. So a query that
comes in during a look-up waits for the next one, together with all others; that one begins after
the query came in, and sees everything committed by then.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from services.authority.ca.statuses import (
    CertificateRecord,
    CertificateRegister,
    CertificateStatus,
)
from services.storage.database import Database
from services.supervisor import OwnedTasks

MAX_BATCH = 64
"""How many queries share one look-up."""


class StatusLookup(Protocol):
    """Looks up the status of certificates."""

    async def look_up(
        self, serials: Collection[int], now: datetime
    ) -> Mapping[int, CertificateStatus]:
        """Return the status of each serial number that is known."""


def _new_future() -> "asyncio.Future[Mapping[int, CertificateRecord]]":
    return asyncio.get_running_loop().create_future()


@dataclass(frozen=True)
class _Query:
    serials: frozenset[int]
    result: "asyncio.Future[Mapping[int, CertificateRecord]]" = field(default_factory=_new_future)


class BatchedStatusLookup:
    """Looks statuses up in the register, without a cache."""

    def __init__(self, database: Database, register: CertificateRegister) -> None:
        self._database = database
        self._register = register
        self._waiting: list[_Query] = []
        self._tasks = OwnedTasks()
        self._is_looking_up = False

    async def look_up(
        self, serials: Collection[int], now: datetime
    ) -> Mapping[int, CertificateStatus]:
        """Return the status of each serial number that is known."""
        asked = _Query(frozenset(serials))
        self._waiting.append(asked)
        if not self._is_looking_up:
            self._is_looking_up = True
            self._tasks.start("status look-ups", self._look_up_waiting())
        found = await asked.result
        return {serial: found[serial].status(now) for serial in asked.serials if serial in found}

    async def _look_up_waiting(self) -> None:
        try:
            await self._look_up_batches()
        finally:
            self._is_looking_up = False

    async def _look_up_batches(self) -> None:
        while self._waiting:
            together = self._waiting[:MAX_BATCH]
            del self._waiting[:MAX_BATCH]
            try:
                found = await self._find(one.serials for one in together)
            except Exception as error:
                for one in _still_waiting_queries(together):
                    one.result.set_exception(error)
            else:
                for one in _still_waiting_queries(together):
                    one.result.set_result(found)

    async def _find(self, serials: Iterable[frozenset[int]]) -> Mapping[int, CertificateRecord]:
        async with self._database.unit_of_work() as session:
            return await self._register.find(session, frozenset().union(*serials))


def _still_waiting_queries(together: Iterable[_Query]) -> Iterable[_Query]:
    """Leave out queries that were cancelled meanwhile."""
    return (one for one in together if not one.result.done())
