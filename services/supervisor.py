"""Supervision: no task runs in the background without somebody who notices its end.

Work that lasts as long as the process is repeated by the `Supervisor`. A task that ends by itself
belongs to the `OwnedTasks` of whoever started it. Nothing else in the server creates tasks.

Work is not cancelled while it runs: a task that is cancelled in a transaction may leave the
database locked, and SQLAlchemy's drivers may swallow the cancellation and go on.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

import structlog

from services.back_off import back_off
from services.storage.availability import is_transient

MAX_FAILURES = 8
"""Failures in a row after which repeating is given up; with the back-off, about a minute."""
_FIRST_BACK_OFF, _MAX_BACK_OFF = 0.5, 30.0
_MAX_TRANSIENT_BACK_OFF = 2.0
"""Longest wait for a database that is away: work goes on soon after its return."""

Result = TypeVar("Result")
_log = structlog.get_logger()


class TaskFailedError(Exception):
    """A supervised task failed again and again, so that the process cannot go on.

    :ivar task: its name.
    """

    def __init__(self, task: str) -> None:
        super().__init__(f"{task} fails again and again")
        self.task = task


@dataclass
class _Failures:
    """What went wrong since the last success."""

    in_a_row: int = 0
    bugs: int = 0
    """Those of `in_a_row` that will not pass by themselves."""
    error: str = ""


class Supervisor:
    """Repeats the long-lived tasks of the process.

    :param on_failure: called with the error when a task cannot go on; the process has to end.
    """

    def __init__(self, on_failure: Callable[[BaseException], None]) -> None:
        self._on_failure = on_failure
        self._failures: dict[str, _Failures] = {}

    @property
    def failing(self) -> Mapping[str, str]:
        """The tasks whose last attempt failed, with the type of the error."""
        return MappingProxyType({name: each.error for name, each in self._failures.items()})

    @asynccontextmanager
    async def repeating(
        self,
        name: str,
        work: Callable[[], Awaitable[object]],
        seconds: float = 0.0,
        interrupt: Callable[[], None] | None = None,
        fatal: tuple[type[Exception], ...] = (),
    ) -> AsyncIterator[None]:
        """Run `work` immediately, and again `seconds` after each end, while the block runs.

        An error is logged, and the work repeated after a back-off; a success ends the back-off.

        :param interrupt: has waiting work return, when the block ends.
        :param fatal: errors after which repeating makes no sense.
        """
        stopping = asyncio.Event()
        task = asyncio.create_task(self._repeat(name, work, seconds, stopping, fatal), name=name)
        try:
            yield
        finally:
            stopping.set()
            if interrupt is not None:
                interrupt()
            await task
            self._failures.pop(name, None)

    async def _repeat(
        self,
        name: str,
        work: Callable[[], Awaitable[object]],
        seconds: float,
        stopping: asyncio.Event,
        fatal: tuple[type[Exception], ...],
    ) -> None:
        while not stopping.is_set():
            wait = seconds
            try:
                await work()
            except (Exception, asyncio.CancelledError) as error:
                if _is_cancelled():
                    raise
                wait = self._count_failure(name, error)
                if isinstance(error, fatal) or self._failures[name].bugs >= MAX_FAILURES:
                    self._give_up(name, error, fatal)
                    return
            else:
                if self._failures.pop(name, None) is not None:
                    _log.warning("task_recovered", task=name)
            await _sleep_unless(stopping, wait)

    def _count_failure(self, name: str, error: BaseException) -> float:
        """Log and count a failure, and return the seconds to wait."""
        failures = self._failures.setdefault(name, _Failures())
        failures.in_a_row += 1
        failures.error = type(error).__name__
        if is_transient(error):
            if failures.in_a_row == 1:
                _log.warning("task_waits", task=name, error=type(error).__name__)
            return back_off(failures.in_a_row, _FIRST_BACK_OFF, _MAX_TRANSIENT_BACK_OFF)
        failures.bugs += 1
        _log.error("task_failed", task=name, error=type(error).__name__, exc_info=error)
        return back_off(failures.bugs, _FIRST_BACK_OFF, _MAX_BACK_OFF)

    def _give_up(self, name: str, error: BaseException, fatal: tuple[type[Exception], ...]) -> None:
        if isinstance(error, fatal):
            self._on_failure(error)
            return
        _log.error("task_given_up", task=name)
        failed = TaskFailedError(name)
        failed.__cause__ = error
        self._on_failure(failed)


class OwnedTasks:
    """Tasks that end by themselves, with their owner; one that fails is logged."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, name: str, work: Coroutine[Any, Any, Result]) -> "asyncio.Task[Result]":
        """Run a coroutine in the background."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._note_end)
        return task

    async def wait(self) -> None:
        """Wait until every task has ended."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def cancel(self) -> None:
        """Cancel every task."""
        for task in self._tasks:
            task.cancel()

    def _note_end(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.error(
                "task_failed", task=task.get_name(), error=type(error).__name__, exc_info=error
            )


async def run_until(stop: asyncio.Event, work: Coroutine[Any, Any, Result]) -> Result | None:
    """Return the result of `work`, or cancel it and return `None` once `stop` is set.

    For work that may be cancelled, such as a request to Telegram.
    """
    stopped = asyncio.ensure_future(stop.wait())
    working = asyncio.ensure_future(work)
    try:
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            working.cancel()
        return await working
    except asyncio.CancelledError:
        if _is_cancelled():
            raise
        return None
    finally:
        stopped.cancel()
        working.cancel()


async def _sleep_unless(stopping: asyncio.Event, seconds: float) -> None:
    if not seconds:
        await asyncio.sleep(0)
        return
    with suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)


def _is_cancelled() -> bool:
    """Whether somebody cancelled the running task, rather than what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
