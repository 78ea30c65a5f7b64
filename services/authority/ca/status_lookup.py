"""Looking statuses up for the responder: those who ask at once share one transaction.

A transaction costs a millisecond, whether it looks up one certificate or twenty. So who asks while
a look-up is under way waits for the next, together with everybody else; that one begins after they
asked, and sees everything committed by then.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from services.authority.ca.statuses import CertificateStatus, Standing, standings
from services.storage.database import Database

MOST_TOGETHER = 64
"""How many of those who ask share one look-up."""


class StatusStore(Protocol):
    """Where the responder looks statuses up."""

    async def statuses(
        self, serials: Collection[int], now: datetime
    ) -> Mapping[int, CertificateStatus]:
        """Give the status of each serial number that is known."""


def _new_future() -> "asyncio.Future[Mapping[int, Standing]]":
    return asyncio.get_running_loop().create_future()


@dataclass(frozen=True)
class _Asked:
    serials: frozenset[int]
    found: "asyncio.Future[Mapping[int, Standing]]" = field(default_factory=_new_future)


class DatabaseStatuses:
    """Looks statuses up in the records, anew each time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[_Asked] = []
        self._work: asyncio.Task[None] | None = None

    async def statuses(
        self, serials: Collection[int], now: datetime
    ) -> Mapping[int, CertificateStatus]:
        """Give the status of each serial number that is known."""
        asked = _Asked(frozenset(serials))
        self._waiting.append(asked)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._look_up(), name="status look-ups")
        found = await asked.found
        return {serial: found[serial].status(now) for serial in asked.serials if serial in found}

    async def _look_up(self) -> None:
        while self._waiting:
            together = self._waiting[:MOST_TOGETHER]
            del self._waiting[:MOST_TOGETHER]
            try:
                found = await self._find(one.serials for one in together)
            except Exception as error:
                for one in _still_waiting(together):
                    one.found.set_exception(error)
            else:
                for one in _still_waiting(together):
                    one.found.set_result(found)

    async def _find(self, serials: Iterable[frozenset[int]]) -> Mapping[int, Standing]:
        async with self._database.unit_of_work() as session:
            return await standings(session, frozenset().union(*serials))


def _still_waiting(together: Iterable[_Asked]) -> Iterable[_Asked]:
    """Leave out those who went away meanwhile."""
    return (one for one in together if not one.found.done())
