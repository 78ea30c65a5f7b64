"""An update that ends the process is set aside after a few starts; the others are answered."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.updates.intake import CrashMarker
from bot.wiring import application
from sandbox.engine import Engine
from services.faq.search import FaqSearch
from services.messaging.inbox import MAX_CRASHES
from tests.bot_harness import TOKEN, BotHarness, Json

DEADLY = "why does it end"
KILLED = -signal.SIGKILL


def typed(update_id: int, text: str) -> Json:
    """Return an update with a text."""
    person = {"id": 5400000001 + update_id % 2, "first_name": "Anna", "is_bot": False}
    chat = {"id": person["id"], "type": "private", "first_name": "Anna"}
    message = {"message_id": update_id, "date": 1, "chat": chat, "from": person, "text": text}
    return {"update_id": update_id, "message": message}


async def live(folder: Path, updates: list[Json]) -> None:
    """Run the bot until it has processed all updates there are."""
    engine = Engine(TOKEN)
    for _ in range(2):  # the people of `typed`
        engine.add_person("Anna", "en").start()
    async with BotHarness.start(engine, folder) as stage:
        await stage.kaika.intake.accept(updates)
        await stage.kaika.application.update_queue.join()


def run_life(folder: Path, updates: list[Json]) -> int:
    """Run the bot in a process of its own, and return how that ends."""
    return run_child(lambda: asyncio.run(live(folder, updates)))


def run_child(work: Callable[[], object]) -> int:
    """Run `work` in a process of its own, and return how that ends."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.fixture
def deadly_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have one question end the process, as no error can."""
    application.load_models()  # which every process has from then on
    search = FaqSearch.search

    def end(self: FaqSearch, question: str, *arguments: Any, **named: Any) -> Any:
        if DEADLY in question:
            os.kill(os.getpid(), signal.SIGKILL)
        return search(self, question, *arguments, **named)

    monkeypatch.setattr(FaqSearch, "search", end)


def rows(folder: Path) -> list[tuple[int, str, str | None, bool]]:
    """Return id, state, error and whether there is a payload."""
    query = "SELECT update_id, state, error, payload IS NOT NULL FROM inbox ORDER BY update_id"
    with closing(sqlite3.connect(folder / "kaika.db")) as database:
        return [(row[0], row[1], row[2], bool(row[3])) for row in database.execute(query)]


@pytest.mark.usefixtures("deadly_search")
def test_what_ends_the_process_again_and_again_is_set_aside(tmp_path: Path) -> None:
    updates = [typed(1, "how much does it cost"), typed(2, DEADLY), typed(3, "the pin is locked")]
    assert [run_life(tmp_path, updates) for _ in range(MAX_CRASHES)] == [KILLED] * MAX_CRASHES
    assert run_life(tmp_path, updates) == 0
    assert rows(tmp_path) == [
        (1, "done", None, False),
        (2, "failed", "ProcessEnded", True),
        (3, "done", None, False),
    ]


def test_a_process_that_is_killed_while_an_update_waits_blames_nobody(tmp_path: Path) -> None:
    assert last_of(tmp_path, wait_for_ever) is None
    assert last_of(tmp_path, lambda marker: marker.mark(0, end_process)) == 0
    assert last_of(tmp_path, lambda marker: marker.mark(2**63 - 1, end_process)) == 2**63 - 1
    assert last_of(tmp_path, lambda _: end_process()) is None


def end_process() -> None:
    """End the process as a crash does."""
    os.kill(os.getpid(), signal.SIGKILL)


def wait_for_ever(marker: CrashMarker) -> None:
    """Wait inside an update, and be killed meanwhile."""

    async def wait() -> None:
        asyncio.get_running_loop().call_soon(end_process)
        await asyncio.Event().wait()

    async def process() -> None:
        await marker.mark_steps(7, wait())

    asyncio.run(process())


def last_of(folder: Path, die: Callable[[CrashMarker], None]) -> int | None:
    """Return the update that is blamed for the end of a process."""

    def end_inside() -> None:
        marker = CrashMarker(folder / "marker")
        with marker.keep_open():
            die(marker)

    assert run_child(end_inside) == KILLED
    with CrashMarker(folder / "marker").keep_open() as last:
        return last


async def test_awaiting_through_the_marker_is_like_awaiting(tmp_path: Path) -> None:
    marker = CrashMarker(tmp_path / "marker")

    async def succeed() -> str:
        await asyncio.sleep(0)
        return "result"

    async def fail() -> None:
        await asyncio.sleep(0)
        raise LookupError

    async def survive() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "cleaned up"
        return ""

    with marker.keep_open():
        assert await marker.mark_steps(1, succeed()) == "result"
        with pytest.raises(LookupError):
            await marker.mark_steps(1, fail())
        task = asyncio.ensure_future(survive_in(marker, survive()))
        await asyncio.sleep(0)
        task.cancel()
        assert await task == "cleaned up"


async def survive_in(marker: CrashMarker, work: Awaitable[str]) -> str:
    """Await something with its update marked."""
    result: str = await marker.mark_steps(1, work)
    return result


@pytest.mark.parametrize("content", [b"", b"short", b"far too long for an entry", None])
def test_a_file_that_is_no_marker_marks_nobody(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "marker"
    path.mkdir() if content is None else path.write_bytes(content)
    marker = CrashMarker(path)
    with marker.keep_open() as last:
        assert last is None
        assert marker.mark(1, lambda: "result") == "result"
