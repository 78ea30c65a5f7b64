"""What is committed to SQLite is on the disk before anybody goes on, and many share one flush."""

import asyncio
import errno
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from sqlalchemy import text

from services.storage import group_commit
from services.storage.availability import DatabaseUnavailableError
from services.storage.database import Database, after_commit


class Disk:
    """Stands before the real flush.

    :ivar flushed: sizes of the journal that were brought to the disk.
    :ivar error: raised instead of flushing.
    :ivar may_flush: what a flush waits for.
    """

    def __init__(self) -> None:
        self.flushed: list[int] = []
        self.error: int | None = None
        self.may_flush = threading.Event()
        self.may_flush.set()
        self._flush = group_commit._synchronize

    def synchronize(self, path: Path) -> None:
        assert self.may_flush.wait(20)
        if self.error is not None:
            raise OSError(self.error, "the disk refuses")
        size = path.stat().st_size
        self._flush(path)
        self.flushed.append(size)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(group_commit, "_synchronize", disk.synchronize)
    return disk


@pytest.fixture
async def database(tmp_path: Path, disk: Disk) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'kaika.db'}")
    async with database.unit_of_work() as session:
        await session.execute(text("CREATE TABLE words (word)"))
        await session.execute(text("INSERT INTO words VALUES ('first')"))
    disk.flushed.clear()
    yield database
    disk.may_flush.set()
    await database.close()


def break_down() -> None:
    raise ZeroDivisionError


async def write(database: Database, word: str, followed: list[str] | None = None) -> None:
    async with database.unit_of_work() as session:
        await session.execute(text("INSERT INTO words VALUES (:word)"), {"word": word})
        if followed is not None:
            after_commit(session, lambda: followed.append(word))


async def wait_for_words(database: Database, count: int) -> None:
    """Wait until a reader sees so many words."""
    async with asyncio.timeout(20):
        while True:
            async with database.reading() as session:
                found = await session.scalar(text("SELECT count(*) FROM words"))
            if found == count:
                return
            await asyncio.sleep(0.001)


def words_after_a_power_cut(path: Path, disk: Disk, folder: Path) -> set[str]:
    """Return what is there where only what was flushed is on the disk."""
    folder.mkdir()
    shutil.copy(path, folder / path.name)
    journal = path.with_name(path.name + "-wal").read_bytes()[: disk.flushed[-1]]
    (folder / f"{path.name}-wal").write_bytes(journal)
    with closing(sqlite3.connect(folder / path.name)) as database:
        return {word for (word,) in database.execute("SELECT word FROM words")}


async def test_who_has_committed_goes_on_only_after_the_flush(
    database: Database, disk: Disk
) -> None:
    disk.may_flush.clear()
    followed: list[str] = []
    writers = [asyncio.create_task(write(database, str(number), followed)) for number in range(20)]
    await wait_for_words(database, 21)
    assert (followed, disk.flushed) == ([], [])
    assert not any(each.done() for each in writers)
    disk.may_flush.set()
    await asyncio.gather(*writers)
    assert followed == [str(number) for number in range(20)]
    assert len(disk.flushed) <= 2


async def test_what_was_reported_survives_a_power_cut(
    database: Database, disk: Disk, tmp_path: Path
) -> None:
    for burst in range(5):
        names = [f"{burst}/{number}" for number in range(burst * 7 + 1)]
        reported = set(names)
        await asyncio.gather(*(write(database, name) for name in names))
        found = words_after_a_power_cut(tmp_path / "kaika.db", disk, tmp_path / str(burst))
        assert reported <= found


async def test_what_was_not_flushed_is_lost_in_one_and_was_not_reported(
    database: Database, disk: Disk, tmp_path: Path
) -> None:
    await write(database, "before")
    disk.may_flush.clear()
    writing = asyncio.create_task(write(database, "after"))
    await wait_for_words(database, 3)
    assert not writing.done()
    assert words_after_a_power_cut(tmp_path / "kaika.db", disk, tmp_path / "cut") == {
        "first",
        "before",
    }
    disk.may_flush.set()
    await writing


async def test_what_only_reads_waits_for_no_flush(database: Database, disk: Disk) -> None:
    disk.may_flush.clear()
    async with database.unit_of_work() as session:
        await session.execute(text("SELECT word FROM words"))
    async with database.unit_of_work() as session:
        await session.execute(text("DELETE FROM words WHERE word = 'nobody'"))
    with suppress(ZeroDivisionError):
        async with database.unit_of_work() as session:
            raise ZeroDivisionError
    assert disk.flushed == []


async def test_what_sees_something_unflushed_waits_for_its_flush(
    database: Database, disk: Disk
) -> None:
    async def read() -> int:
        async with database.unit_of_work() as session:
            return int(await session.scalar(text("SELECT count(*) FROM words")) or 0)

    disk.may_flush.clear()
    writing = asyncio.create_task(write(database, "a"))
    await wait_for_words(database, 2)
    reading = asyncio.create_task(read())
    await asyncio.sleep(0.1)
    assert not reading.done()
    disk.may_flush.set()
    assert await reading == 2
    await writing


async def test_what_follows_is_done_though_its_task_was_cancelled(
    database: Database, disk: Disk
) -> None:
    disk.may_flush.clear()
    followed: list[str] = []
    writing = asyncio.create_task(write(database, "a", followed))
    await wait_for_words(database, 2)
    await asyncio.sleep(0.01)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    disk.may_flush.set()
    await write(database, "b", followed)
    assert followed == ["a", "b"]


async def test_an_error_in_what_follows_keeps_nobody_else_from_going_on(
    database: Database, disk: Disk
) -> None:
    async def fail() -> None:
        async with database.unit_of_work() as session:
            await session.execute(text("INSERT INTO words VALUES ('bad')"))
            after_commit(session, break_down)

    followed: list[str] = []
    disk.may_flush.clear()
    tasks = [asyncio.create_task(write(database, "a", followed)), asyncio.create_task(fail())]
    tasks.append(asyncio.create_task(write(database, "b", followed)))
    await wait_for_words(database, 4)
    disk.may_flush.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in done] == [type(None), ZeroDivisionError, type(None)]
    assert followed == ["a", "b"]


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
async def test_where_the_disk_refuses_nothing_follows_and_the_next_writes_it_again(
    database: Database, disk: Disk, tmp_path: Path, error: int
) -> None:
    followed: list[str] = []
    disk.error = error
    with pytest.raises(DatabaseUnavailableError, match="the disk refuses"):
        await write(database, "a", followed)
    assert followed == []
    disk.error = None
    await write(database, "b", followed)
    assert followed == ["b"]
    # A flush that succeeds after one that failed proves nothing: both were copied instead.
    assert disk.flushed == []
    with closing(sqlite3.connect(f"file:{tmp_path / 'kaika.db'}?immutable=1", uri=True)) as file:
        assert {word for (word,) in file.execute("SELECT word FROM words")} == {"first", "a", "b"}
    await write(database, "c")
    assert len(disk.flushed) == 1


async def test_after_a_refusal_who_only_reads_waits_for_what_was_refused(
    database: Database, disk: Disk
) -> None:
    disk.error = errno.EIO
    with pytest.raises(DatabaseUnavailableError):
        await write(database, "a")
    disk.error = None
    async with database.unit_of_work() as session:
        assert await session.scalar(text("SELECT count(*) FROM words")) == 2
    assert disk.flushed == [], "it was copied"
    await write(database, "b")
    assert len(disk.flushed) == 1


async def test_a_database_is_used_again_after_it_was_closed(database: Database) -> None:
    await write(database, "a")
    await database.close()
    await write(database, "b")
    await wait_for_words(database, 3)
