"""A bot whose process can die at every effect it has: a commit, a Bot API call, a mail.

Between two effects nothing outside the process changes, so dying right after each of them is
dying everywhere: before Telegram hears a call is after the effect before it, and an answer that
never arrives is right after the call. Who dies stands still there for good: what the handler or
the worker would have done next never happens, no `finally` and no error handler either. (That a
commit's files may be missing is cut in `tests/services/authority/test_cuts.py`.)
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from telegram.error import NetworkError
from telegram.request import RequestData

from sandbox.world.mailbox import MailboxTransport
from tests.chat import Json, Stage

_WRITES = ("INSERT", "UPDATE", "DELETE")
_TO_SOMEBODY = {"chat_id", "callback_query_id", "pre_checkout_query_id"}
_BEHIND_THE_SCENES = {"inbox writer", "due worker", "sweep"}
"""Tasks that work for everybody at times of their own."""
_UPDATE = "process_concurrent_update"


class DeadError(SQLAlchemyError):
    """The process is dead; nothing it tries has an effect."""


class One:
    """One person's time with the process, which may end early.

    :ivar effects: how many there were.
    :ivar dies_at: the effect right after which the process dies for them.
    """

    def __init__(self, dies_at: int | None) -> None:
        self.effects, self.dies_at = 0, dies_at
        self.died = asyncio.Event()


_ONE: ContextVar[One | None] = ContextVar("one", default=None)
"""Who a task works for; one that works on updates works for who acts now."""


async def _as(one: One, act: Awaitable[object]) -> None:
    _ONE.set(one)
    await act


class Doom:
    """Counts the effects for who is acting, and stops the process for them after one of them.

    The people of a stage act one after the other, each until the process dies for them; so one
    start serves many deaths.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.is_over = False
        self._now = One(None)
        self._stopped: list[asyncio.Task[Any]] = []
        self._standing = 0
        self._has_written = False

    def next(self, dies_at: int | None) -> One:
        """Let the next person act."""
        self._now = One(dies_at)
        return self._now

    async def lives(self, act: Awaitable[object]) -> bool:
        """Let who is acting act; `False` where the process died for them."""
        acting = asyncio.create_task(_as(self._now, act))
        death = asyncio.create_task(self._now.died.wait())
        await asyncio.wait({acting, death}, return_when=asyncio.FIRST_COMPLETED)
        if death.done():
            self._stopped.append(acting)
            await self._nobody_waits()
            return False
        death.cancel()
        await acting
        return True

    async def _nobody_waits(self) -> None:
        """Let the next person's updates be waited for without the one that stands still."""
        for _ in range(5):
            await asyncio.sleep(0)  # who dies as an update is done still goes home
        queue: Any = self.stage.kaika.application.update_queue
        while queue._unfinished_tasks:
            queue.task_done()
            self._standing += 1

    async def gate(self) -> None:
        """Let nobody pass for whom the process is dead.

        :raises DeadError: where it is dead for everybody.
        """
        if self.is_over:
            raise DeadError
        one = self._one()
        if one is not None and one.died.is_set():
            await self._stand_still()

    async def effect(self) -> None:
        """Have had an effect."""
        if self.was_the_last():
            await self._stand_still()

    def was_the_last(self) -> bool:
        """Count one effect; tell whether the process dies right after it."""
        one = self._one()
        if one is None:
            return False
        one.effects += 1
        if one.effects == one.dies_at:
            one.died.set()
        return one.died.is_set()

    def _one(self) -> One | None:
        """Give whom the running task works for; `None` where that is everybody."""
        task = asyncio.current_task()
        if task is not None and task.get_name() in _BEHIND_THE_SCENES:
            return None
        return _ONE.get() or self._now

    async def _stand_still(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._stopped.append(task)
        await asyncio.Future()

    async def end(self) -> None:
        """Let the whole process be dead, with those who stand still in it."""
        await self.stage.kaika.inbox.store([])  # what was done before any death is marked
        self.is_over = True
        queue: Any = self.stage.kaika.application.update_queue
        queue._unfinished_tasks += self._standing  # each will call itself done as it is cancelled
        updates = [task for task in asyncio.all_tasks() if _UPDATE in task.get_name()]
        for task in (*self._stopped, *updates):
            task.cancel()
        await asyncio.gather(*self._stopped, *updates, return_exceptions=True)

    def sees(self, _conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        """See what the database is told; one unit of work at a time."""
        self._has_written |= statement.startswith(_WRITES)

    def begins_to_write(self) -> None:
        """Note that a unit of work has begun."""
        self._has_written = False

    @property
    def has_written(self) -> bool:
        """Whether the last unit of work changed anything."""
        return self._has_written


@asynccontextmanager
async def doomed(stage: Stage) -> AsyncIterator[Doom]:
    """Let the bot of a stage be mortal while the block runs, and dead afterwards."""
    doom, kaika = Doom(stage), stage.kaika
    with pytest.MonkeyPatch.context() as patch:
        event.listen(kaika.database.engine.sync_engine, "before_cursor_execute", doom.sees)
        _let_commits_kill(patch, stage, doom)
        _let_calls_kill(patch, stage, doom)
        _let_mails_kill(patch, doom)
        _let_the_inbox_kill(patch, stage, doom)
        _let_the_dead_take_nothing(patch, stage, doom)
        try:
            yield doom
        finally:
            await doom.end()


def _let_commits_kill(patch: pytest.MonkeyPatch, stage: Stage, doom: Doom) -> None:
    before = stage.kaika.database.unit_of_work

    @asynccontextmanager
    async def unit_of_work() -> AsyncIterator[AsyncSession]:
        await doom.gate()
        async with before() as session:
            doom.begins_to_write()
            yield session
        if doom.has_written:
            await doom.effect()

    opened: Any = unit_of_work
    patch.setattr(stage.kaika.database, "unit_of_work", opened)


def _let_calls_kill(patch: pytest.MonkeyPatch, stage: Stage, doom: Doom) -> None:
    request = stage.kaika.application.bot.request
    before = request.do_request

    async def do_request(
        url: str, method: str, request_data: RequestData | None = None, *_: Any, **__: Any
    ) -> tuple[int, bytes]:
        try:
            await doom.gate()
        except DeadError:
            raise NetworkError("the process is dead") from None
        answer: tuple[int, bytes] = await before(url, method, request_data)
        if request_data and _TO_SOMEBODY & set(request_data.parameters):
            await doom.effect()
        return answer

    patch.setattr(request, "do_request", do_request)


def _let_mails_kill(patch: pytest.MonkeyPatch, doom: Doom) -> None:
    before = MailboxTransport.send

    async def send(self: MailboxTransport, mail: EmailMessage) -> None:
        await doom.gate()
        await before(self, mail)
        await doom.effect()

    patch.setattr(MailboxTransport, "send", send)


def _let_the_inbox_kill(patch: pytest.MonkeyPatch, stage: Stage, doom: Doom) -> None:
    """The inbox has a writer of its own: what was put is there, what was marked is not yet."""
    inbox = stage.kaika.inbox
    put, mark_done = inbox.store, inbox.mark_done

    async def putting(updates: list[Json]) -> list[Json]:
        stored = await put(updates)
        if updates:
            await doom.effect()
        return stored

    def marking(update_id: int) -> None:
        if not doom.is_over and not doom.was_the_last():
            mark_done(update_id)

    patch.setattr(inbox, "store", putting)
    patch.setattr(inbox, "mark_done", marking)


def _let_the_dead_take_nothing(patch: pytest.MonkeyPatch, stage: Stage, doom: Doom) -> None:
    """Whose process is dead does not go on to hand it updates, which are the next person's."""
    before = stage.updates

    async def updates() -> list[Json]:
        await doom.gate()
        return await before()

    patch.setattr(stage, "updates", updates)


class Heard:
    """Everything the bot ever said, by chat; what was deleted or written over too."""

    def __init__(self) -> None:
        self.texts: dict[int, list[str]] = {}

    def on_call(self, method: str, params: Mapping[str, object], envelope: Json) -> None:
        said = params.get("text") or params.get("title")
        if envelope["ok"] and said and "chat_id" in params:
            self.texts.setdefault(int(str(params["chat_id"])), []).append(str(said))

    def on_update(self, update: Json) -> None:
        pass
