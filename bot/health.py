"""What the bot says about itself at /healthz.

It is known before it is asked for, so that the answer never waits for what it is about.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import select

from bot.updates.intake import Intake
from bot.updates.poller import Poller
from services import calendar
from services.faq.checks import freshness
from services.faq.entries import load_entries
from services.messaging.inbox import Inbox
from services.storage.availability import DatabaseUnavailableError
from services.storage.database import Database
from services.supervisor import OwnedTasks, Supervisor

_PROBE_SECONDS = 2.0
"""How often the database is asked for an answer."""
_SILENCE_SECONDS = 3.0
"""How long it may take to answer."""
_STALL_SECONDS = 8.0
"""How long no update may be finished while there are any."""
_POLL_SECONDS = 60.0
"""How long no poll may succeed; a poll without updates takes half of it."""
_FAILED_POLLS = 3
"""Polls that may fail in a row."""
_COUNT_SECONDS = 2.0
_STALE_NAMED = 10
"""Entries that are named in the log where they are stale."""

_log = structlog.get_logger()


class HealthMonitor:
    """Watches the parts of the bot.

    :ivar phase: ``starting``, ``waiting`` for another process, or ``ok`` once the bot serves.
    :ivar owner: the process that is waited for.
    :ivar poller: where the bot polls.
    """

    def __init__(
        self, database: Database, inbox: Inbox, intake: Intake, supervisor: Supervisor
    ) -> None:
        self._database = database
        self._inbox = inbox
        self._intake = intake
        self._supervisor = supervisor
        self._tasks = OwnedTasks()
        self._database_problem: str | None = None
        self._stale_on: date | None = None
        self._stale = 0
        self.phase = "starting"
        self.owner: str | None = None
        self.poller: Poller | None = None

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch the database while the block runs."""
        async with self._supervisor.repeating("database probe", self._probe, _PROBE_SECONDS):
            yield

    def note_database(self, problem: str | None) -> None:
        """Note what is wrong with the database, or that it answers."""
        if problem is not None and self._database_problem is None:
            _log.error("database_unavailable", reason=problem)
        elif problem is None and self._database_problem is not None:
            _log.warning("database_available")
        self._database_problem = problem

    def list_problems(self) -> list[str]:
        """Return what is wrong at this moment."""
        problems = [f"task {name}: {error}" for name, error in self._supervisor.failing.items()]
        if self._database_problem is not None:
            problems.insert(0, f"database: {self._database_problem}")
        if self._intake.stalled_seconds > _STALL_SECONDS:
            problems.append("updates: none was finished for some seconds")
        if self.poller is not None:
            silence = monotonic() - self.poller.last_success
            if self.poller.failures >= _FAILED_POLLS or silence > _POLL_SECONDS:
                problems.append(f"telegram: no poll has succeeded for {silence:.0f} s")
        return problems

    async def report(self) -> dict[str, Any]:
        """Return the state of the bot; ``status`` is ``ok`` where all is well."""
        problems = self.list_problems()
        silence = round(monotonic() - self.poller.last_success, 1) if self.poller else None
        return {
            "status": "failing" if problems else self.phase,
            "problems": problems,
            "owner": self.owner,
            "seconds_since_poll": silence,
            "backlog": self._intake.backlog,
            "inbox": await self._count_inbox(),
            "stale_facts": self._count_stale(),
        }

    def _count_stale(self) -> int:
        """Return how many entries, sources and facts are overdue for a look at their page.

        They are counted once a day, when they are also named in the log.
        """
        today = calendar.today(datetime.now(UTC))
        if self._stale_on != today:
            found = freshness.find_stale(load_entries(), today)
            self._stale_on, self._stale = today, len(found)
            if found:
                places = sorted({each.path.stem for each in found})
                _log.warning("faq_stale", count=len(found), entries=places[:_STALE_NAMED])
        return self._stale

    async def _count_inbox(self) -> dict[str, int] | None:
        if self.phase != "ok" or self._database_problem is not None:
            return None
        counting = self._tasks.start("inbox count", self._try_to_count())
        done, _ = await asyncio.wait({counting}, timeout=_COUNT_SECONDS)
        return counting.result() if done else None

    async def _try_to_count(self) -> dict[str, int] | None:
        try:
            return await self._inbox.count_by_state()
        except DatabaseUnavailableError:
            return None

    async def _probe(self) -> None:
        asking = self._tasks.start("database answer", self._ask_database())
        done, _ = await asyncio.wait({asking}, timeout=_SILENCE_SECONDS)
        if not done:
            self.note_database(f"no answer for {_SILENCE_SECONDS:.0f} s")
        self.note_database(await asking)

    async def _ask_database(self) -> str | None:
        """Return what is wrong with the database."""
        try:
            async with self._database.unit_of_work() as session:
                await session.execute(select(1))
        except DatabaseUnavailableError as error:
            return str(error)
        return None
