"""Crash injection: the process can die after every effect it has: a commit, an API call, a mail.

Between two effects nothing outside the process changes, so crashing right after each of them
covers every moment: before Telegram receives a call is after the effect before it, and a lost
response is right after the call. A crashed task is suspended for good: what the handler or the
worker would have done next never happens, no `finally` and no error handler either. (That a
commit's files may be missing is tested with the authority.)
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from telegram.error import NetworkError
from telegram.request import RequestData

from sandbox.world.mailbox import MailboxTransport
from services.storage.availability import DatabaseUnavailableError
from tests.bot_harness import BotHarness, Json

_WRITES = ("INSERT", "UPDATE", "DELETE")
_RECIPIENT_FIELDS = {"chat_id", "callback_query_id", "pre_checkout_query_id"}
_BACKGROUND_TASKS = {"inbox writer", "due worker", "sweep"}
"""Tasks that work for everybody, at times of their own."""
_UPDATE_TASK = "process_concurrent_update"


class ProcessDeadError(DatabaseUnavailableError):
    """The process has crashed; nothing it tries has an effect."""


class CrashPlan:
    """When the process crashes for one person.

    :ivar effect_count: the effects so far.
    :ivar crash_at: the number of the effect right after which the process crashes; `None` for
        never.
    """

    def __init__(self, crash_at: int | None) -> None:
        self.effect_count, self.crash_at = 0, crash_at
        self.crashed = asyncio.Event()


_PLAN: ContextVar[CrashPlan | None] = ContextVar("plan", default=None)
"""The plan of a task; one that handles updates has the plan of whoever acts now."""


async def _act_under(plan: CrashPlan, act: Awaitable[object]) -> None:
    _PLAN.set(plan)
    await act


class CrashInjector:
    """Counts the effects of the person acting, and crashes the process for them after one.

    The people of a bot act one after the other, each until the process crashes for them, so
    that one start of the bot serves many crashes.
    """

    def __init__(self, harness: BotHarness) -> None:
        self.harness = harness
        self.is_over = False
        self._plan = CrashPlan(None)
        self._suspended_tasks: list[asyncio.Task[Any]] = []
        self._abandoned_updates = 0
        self._writing_tasks: set[asyncio.Task[Any] | None] = set()

    def begin_plan(self, crash_at: int | None) -> CrashPlan:
        """Begin the plan of the next person."""
        self._plan = CrashPlan(crash_at)
        return self._plan

    async def run(self, act: Awaitable[object]) -> bool:
        """Await `act`; return `False` if the process crashed during it."""
        acting = asyncio.create_task(_act_under(self._plan, act))
        crash = asyncio.create_task(self._plan.crashed.wait())
        await asyncio.wait({acting, crash}, return_when=asyncio.FIRST_COMPLETED)
        if crash.done():
            self._suspended_tasks.append(acting)
            await self._release_queue()
            return False
        crash.cancel()
        await acting
        return True

    async def _release_queue(self) -> None:
        """Mark suspended updates as done, so that the queue can be joined for the next person."""
        for _ in range(5):
            await asyncio.sleep(0)  # a crash as an update is marked done lets the task end
        queue: Any = self.harness.kaika.application.update_queue
        while queue._unfinished_tasks:
            queue.task_done()
            self._abandoned_updates += 1

    async def check_alive(self) -> None:
        """Suspend the running task if the process has crashed for its person.

        :raises ProcessDeadError: if it has crashed for everybody.
        """
        if self.is_over:
            raise ProcessDeadError("the process is dead")
        plan = self._plan_of_task()
        if plan is not None and plan.crashed.is_set():
            await self._suspend_forever()

    async def record_effect(self) -> None:
        """Count an effect, and crash if it was the last one."""
        if self.count_effect():
            await self._suspend_forever()

    def count_effect(self) -> bool:
        """Count an effect; return whether the process crashes right after it."""
        plan = self._plan_of_task()
        if plan is None:
            return False
        plan.effect_count += 1
        if plan.effect_count == plan.crash_at:
            plan.crashed.set()
        return plan.crashed.is_set()

    def _plan_of_task(self) -> CrashPlan | None:
        """Return the plan of the running task; `None` for background tasks."""
        task = asyncio.current_task()
        if task is not None and task.get_name() in _BACKGROUND_TASKS:
            return None
        return _PLAN.get() or self._plan

    async def _suspend_forever(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._suspended_tasks.append(task)
        await asyncio.Future()

    async def kill_process(self) -> None:
        """Crash for everybody, and cancel the suspended tasks."""
        await self.harness.kaika.inbox.store([])  # flushes what was marked done before a crash
        self.is_over = True
        queue: Any = self.harness.kaika.application.update_queue
        # each cancelled task calls `task_done` once more
        queue._unfinished_tasks += self._abandoned_updates
        updates = [task for task in asyncio.all_tasks() if _UPDATE_TASK in task.get_name()]
        for task in (*self._suspended_tasks, *updates):
            task.cancel()
        await asyncio.gather(*self._suspended_tasks, *updates, return_exceptions=True)

    def on_statement(self, _conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        """Notice which task writes; the inbox writes in between, at times of its own."""
        if statement.startswith(_WRITES):
            self._writing_tasks.add(asyncio.current_task())

    def on_unit_of_work(self) -> None:
        """Begin to watch a unit of work of the running task."""
        self._writing_tasks.discard(asyncio.current_task())

    @property
    def has_written(self) -> bool:
        """Whether the last unit of work of the running task wrote anything."""
        return asyncio.current_task() in self._writing_tasks


@asynccontextmanager
async def inject_crashes(harness: BotHarness) -> AsyncIterator[CrashInjector]:
    """Inject crashes into a bot while the block runs; it is dead afterwards."""
    injector, kaika = CrashInjector(harness), harness.kaika
    with pytest.MonkeyPatch.context() as patch:
        event.listen(
            kaika.database.engine.sync_engine, "before_cursor_execute", injector.on_statement
        )
        _patch_commits(patch, harness, injector)
        _patch_api_calls(patch, harness, injector)
        _patch_mails(patch, injector)
        _patch_inbox(patch, harness, injector)
        _patch_intake(patch, harness, injector)
        try:
            yield injector
        finally:
            await injector.kill_process()


def _patch_commits(patch: pytest.MonkeyPatch, harness: BotHarness, injector: CrashInjector) -> None:
    original = harness.kaika.database.unit_of_work

    @asynccontextmanager
    async def unit_of_work(*, is_urgent: bool = False) -> AsyncIterator[AsyncSession]:
        await injector.check_alive()
        async with original(is_urgent=is_urgent) as session:
            injector.on_unit_of_work()
            yield session
        if injector.has_written:
            await injector.record_effect()

    replacement: Any = unit_of_work
    patch.setattr(harness.kaika.database, "unit_of_work", replacement)


def _patch_api_calls(
    patch: pytest.MonkeyPatch, harness: BotHarness, injector: CrashInjector
) -> None:
    request = harness.kaika.application.bot.request
    original = request.do_request

    async def do_request(
        url: str, method: str, request_data: RequestData | None = None, *_: Any, **__: Any
    ) -> tuple[int, bytes]:
        try:
            await injector.check_alive()
        except ProcessDeadError:
            raise NetworkError("the process is dead") from None
        answer: tuple[int, bytes] = await original(url, method, request_data)
        if request_data and _RECIPIENT_FIELDS & set(request_data.parameters):
            await injector.record_effect()
        return answer

    patch.setattr(request, "do_request", do_request)


def _patch_mails(patch: pytest.MonkeyPatch, injector: CrashInjector) -> None:
    original = MailboxTransport.send

    async def send(self: MailboxTransport, mail: EmailMessage) -> None:
        await injector.check_alive()
        await original(self, mail)
        await injector.record_effect()

    patch.setattr(MailboxTransport, "send", send)


def _patch_inbox(patch: pytest.MonkeyPatch, harness: BotHarness, injector: CrashInjector) -> None:
    """The inbox has a writer task: what was put is stored, what was marked done is not yet."""
    inbox = harness.kaika.inbox
    put, mark_done = inbox.store, inbox.mark_done

    async def counted_put(updates: list[Json]) -> list[Json]:
        stored = await put(updates)
        if updates:
            await injector.record_effect()
        return stored

    def counted_mark_done(update_id: int) -> None:
        if not injector.is_over and not injector.count_effect():
            mark_done(update_id)

    patch.setattr(inbox, "store", counted_put)
    patch.setattr(inbox, "mark_done", counted_mark_done)


def _patch_intake(patch: pytest.MonkeyPatch, harness: BotHarness, injector: CrashInjector) -> None:
    """A dead process fetches no updates, which are the next person's."""
    original = harness.updates

    async def updates() -> list[Json]:
        await injector.check_alive()
        return await original()

    patch.setattr(harness, "updates", updates)


class SentTextRecorder:
    """Every text the bot ever sent, by chat, also what was deleted or edited since."""

    def __init__(self) -> None:
        self.texts: dict[int, list[str]] = {}

    def on_call(self, method: str, params: Mapping[str, object], envelope: Json) -> None:
        said = params.get("text") or params.get("title")
        if envelope["ok"] and said and "chat_id" in params:
            self.texts.setdefault(int(str(params["chat_id"])), []).append(str(said))

    def on_update(self, update: Json) -> None:
        pass
