"""Supervised tasks: their end is logged, they begin again, and where that fails they say so."""

import asyncio

import pytest
from structlog.testing import capture_logs

from services import supervisor as supervisor_module
from services.storage.availability import DatabaseUnavailableError
from services.supervisor import MAX_FAILURES, OwnedTasks, Supervisor, TaskFailedError, run_until


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "_FIRST_BACK_OFF", 0.0)


class ScriptedWork:
    """Work that fails with each of its errors once, then succeeds, and then waits.

    :ivar attempts: how often it was begun.
    """

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.attempts = 0
        self.succeeded = asyncio.Event()
        self.go_on = asyncio.Event()
        self._begun = asyncio.Semaphore(0)

    async def reach(self, attempts: int) -> None:
        """Wait until the work was begun so often."""
        for _ in range(attempts):
            await self._begun.acquire()

    async def __call__(self) -> None:
        self.attempts += 1
        self._begun.release()
        if self.errors:
            raise self.errors.pop(0)
        if self.succeeded.is_set():
            await self.go_on.wait()
        self.succeeded.set()


class FailureList:
    """Takes the errors after which a task cannot go on."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self.filled = asyncio.Event()
        self.supervisor = Supervisor(self._add)

    def _add(self, error: BaseException) -> None:
        self.errors.append(error)
        self.filled.set()


async def test_work_comes_at_once_and_again_until_the_block_ends() -> None:
    done = asyncio.Semaphore(0)

    async def work() -> None:
        done.release()

    async with FailureList().supervisor.repeating("rounds", work):
        for _ in range(3):
            await asyncio.wait_for(done.acquire(), 10)


async def test_a_round_in_hand_is_finished_and_none_begun() -> None:
    work = ScriptedWork()
    repeating = FailureList().supervisor.repeating("rounds", work, interrupt=work.go_on.set)
    async with repeating, asyncio.timeout(10):
        await work.succeeded.wait()
        await work.reach(2)
    assert work.attempts == 2


async def test_an_error_is_logged_with_its_traceback_and_the_work_begins_again() -> None:
    failures, work = FailureList(), ScriptedWork(LookupError("a bug"))
    with capture_logs() as logs:
        repeating = failures.supervisor.repeating("rounds", work, interrupt=work.go_on.set)
        async with repeating, asyncio.timeout(10):
            await work.reach(3)
            assert failures.supervisor.failing == {}
    assert [(line["event"], line.get("error")) for line in logs] == [
        ("task_failed", "LookupError"),
        ("task_recovered", None),
    ]
    assert isinstance(logs[0]["exc_info"], LookupError)
    assert failures.errors == []


async def test_a_task_that_fails_is_known_until_it_succeeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisor_module, "_FIRST_BACK_OFF", 60.0)
    failures, work = FailureList(), ScriptedWork(LookupError("a bug"))
    async with failures.supervisor.repeating("rounds", work), asyncio.timeout(10):
        await work.reach(1)
        assert failures.supervisor.failing == {"rounds": "LookupError"}
    assert failures.supervisor.failing == {}


async def test_a_bug_that_stays_is_given_up_with_its_cause() -> None:
    failures, bugs = FailureList(), [LookupError(str(n)) for n in range(MAX_FAILURES)]
    async with failures.supervisor.repeating("rounds", ScriptedWork(*bugs)), asyncio.timeout(10):
        await failures.filled.wait()
    (error,) = failures.errors
    assert isinstance(error, TaskFailedError)
    assert (error.task, error.__cause__) == ("rounds", bugs[-1])


async def test_a_database_that_is_away_for_long_is_waited_for_and_logged_once() -> None:
    away = [DatabaseUnavailableError("no server")] * (MAX_FAILURES * 3)
    failures, work = FailureList(), ScriptedWork(*away)
    with capture_logs() as logs:
        repeating = failures.supervisor.repeating("rounds", work, interrupt=work.go_on.set)
        async with repeating, asyncio.timeout(10):
            await work.succeeded.wait()
    assert [line["event"] for line in logs] == ["task_waits", "task_recovered"]
    assert failures.errors == []


async def test_an_error_that_is_fatal_is_passed_on_at_once() -> None:
    failures, error = FailureList(), KeyError("wrong token")
    repeating = failures.supervisor.repeating("rounds", ScriptedWork(error), fatal=(KeyError,))
    async with repeating, asyncio.timeout(10):
        await failures.filled.wait()
    assert failures.errors == [error]


async def test_a_cancelled_future_inside_the_work_does_not_end_it() -> None:
    work = ScriptedWork(asyncio.CancelledError())
    repeating = FailureList().supervisor.repeating("rounds", work, interrupt=work.go_on.set)
    async with repeating, asyncio.timeout(10):
        await work.succeeded.wait()


async def test_an_owned_task_that_fails_is_logged_and_waited_for() -> None:
    tasks, gate, ended = OwnedTasks(), asyncio.Event(), []

    async def fail() -> None:
        raise LookupError("a bug")

    async def finish() -> None:
        await gate.wait()
        ended.append(True)

    with capture_logs() as logs:
        tasks.start("short", fail())
        tasks.start("long", finish())
        asyncio.get_running_loop().call_soon(gate.set)
        await tasks.wait()
    assert ended == [True]
    assert [(line["event"], line["task"]) for line in logs] == [("task_failed", "short")]


async def test_work_that_is_stopped_is_cancelled_and_else_has_its_result() -> None:
    stop = asyncio.Event()

    async def answer() -> int:
        return 7

    async def wait_forever() -> int:
        await asyncio.Event().wait()
        return 0

    assert await run_until(stop, answer()) == 7
    asyncio.get_running_loop().call_soon(stop.set)
    assert await asyncio.wait_for(run_until(stop, wait_forever()), 10) is None
