"""Edits of the FAQ come into the running bot.

Answers change as soon as an edit is read. What the search learns from is learnt in a process of
its own and swapped in when it is ready; until then the search finds what it found before.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

import locales
from handlers.context import Services
from handlers.faq import answers
from services.faq.drafts import Draft
from services.faq.edits import store
from services.faq.edits.overlay import INDEX_FILE, Overlay, lay_over
from services.faq.edits.store import EditSet
from services.faq.entries import Entries, load_entries
from services.faq.index import fingerprint, read_index
from services.faq.search import FaqSearch
from services.storage.database import Database
from services.supervisor import OwnedTasks, Supervisor

POLL_SECONDS = 0.5
_RETRY_SECONDS = 30.0
_ERROR_CHARACTERS = 300
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _EditedFaq:
    """The FAQ with the edits of one moment.

    :ivar content: hash of what the search learns from it.
    :ivar search: `None` where that has to be learnt.
    """

    draft: Draft
    entries: Entries
    content: str
    search: FaqSearch | None


class FaqEditsWatcher:
    """Brings edits into what the handlers use.

    :param bot_data: holds the services.
    :param folder: of the data.
    """

    def __init__(self, database: Database, bot_data: dict[str, Any], folder: Path) -> None:
        self._database = database
        self._bot_data = bot_data
        self._path = folder / INDEX_FILE
        self._version = 0
        self._shipped = self._services.search
        self._to_learn: _EditedFaq | None = None
        self._tasks = OwnedTasks()
        self._waits = asyncio.Event()
        """Set where there may be something to learn."""

    @property
    def _services(self) -> Services:
        services: Services = self._bot_data["services"]
        return services

    @asynccontextmanager
    async def running(self, supervisor: Supervisor) -> AsyncIterator[None]:
        """Watch for edits while the block runs; those that there are come in before it begins."""
        await self.read_edits()
        watching = supervisor.repeating("faq edits", self.read_edits, POLL_SECONDS)
        self._tasks.start("faq learning", self._keep_learning())
        try:
            async with watching:
                yield
        finally:
            self._tasks.cancel()
            await self._tasks.wait()

    async def read_edits(self) -> None:
        """Have the bot answer with the edits that there are now."""
        async with self._database.reading() as session:
            if await store.read_version(session) == self._version:
                return
            edits = await store.load_edits(session)
        draft = await asyncio.to_thread(edits.draft)
        overlay = await asyncio.to_thread(lay_over, load_entries(), draft)
        if not self._would_lose_entries(overlay.entries):
            self._use(overlay.entries, None)
        edited = await asyncio.to_thread(self._prepare, draft, overlay.entries)
        if edited.search is not None:
            self._use(edited.entries, edited.search)
        self._to_learn = edited if edited.search is None else None
        self._waits.set()
        self._version = edits.version
        _report(edits, overlay)

    def _prepare(self, draft: Draft, entries: Entries) -> _EditedFaq:
        """Render the answers and look for what was learnt of them, in a thread."""
        answers.render_all(entries)
        content = fingerprint(entries)
        return _EditedFaq(draft, entries, content, self._find_search(entries, content))

    def _find_search(self, entries: Entries, content: str) -> FaqSearch | None:
        """Return the search that knows the content, where there is one already."""
        for search in (self._services.search, self._shipped):
            if search.fingerprint == content:
                return search
        with suppress(OSError, ValueError):
            index = read_index(self._path.read_bytes())
            if index.fingerprint == content:
                return FaqSearch(entries, index)
        return None

    def _would_lose_entries(self, entries: Entries) -> bool:
        """Whether the search would find entries that there are no more."""
        return not set(self._services.search.ids) <= set(entries.ids)

    def _use(self, entries: Entries, search: FaqSearch | None) -> None:
        services = self._services
        self._bot_data["services"] = replace(
            services, entries=entries, search=search or services.search
        )

    async def _keep_learning(self) -> None:
        """Learn whatever waits to be learnt, until cancelled."""
        while True:
            await self._waits.wait()
            self._waits.clear()
            if (edited := self._to_learn) is None:
                continue
            if not await self._learn(edited):
                await asyncio.sleep(_RETRY_SECONDS)
                self._waits.set()

    async def _learn(self, edited: _EditedFaq) -> bool:
        """Learn in a process of its own, and use what was learnt unless newer edits came."""
        command = (sys.executable, "-m", "services.faq.learn_index", str(self._path), "--draft")
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stderr=pipe, cwd=locales.ROOT.parent
            )
        except OSError as error:
            _log.error("faq_learning_failed", error=type(error).__name__)
            return False
        try:
            _, errors = await process.communicate(json.dumps(edited.draft).encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        search = await asyncio.to_thread(self._find_search, edited.entries, edited.content)
        if search is None:
            text = errors.decode(errors="replace")[-_ERROR_CHARACTERS:]
            _log.error("faq_learning_failed", status=process.returncode, error=text)
            return False
        if self._to_learn is edited:
            self._to_learn = None
            self._use(edited.entries, search)
        elif set(search.ids) <= set(self._services.entries.ids):
            self._use(self._services.entries, search)
        _log.info("faq_learnt")
        return True


def _report(edits: EditSet, overlay: Overlay) -> None:
    """Log what came in, and what did not."""
    _log.info("faq_edited", version=edits.version)
    if conflicts := edits.conflicts():
        _log.warning("faq_edits_in_conflict", files=conflicts)
    if overlay.skipped:
        _log.warning("faq_edits_skipped", entries=overlay.skipped)
