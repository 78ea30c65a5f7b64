"""A process whose machine is given another time while it runs, and before it is started again.

libfaketime answers in place of the wall clock; the monotonic clock is the machine's own.
"""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.bot.kaika_program import ROOT
from tests.patience import PATIENCE

AN_HOUR = 3600


@pytest.fixture(scope="module")
def libfaketime() -> Path:
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    assert found, "install it: make system"
    return found[0]


class Machine:
    """A machine whose wall clock can be set."""

    def __init__(self, library: Path, folder: Path, url: str) -> None:
        self._library, self._offset, self._url = library, folder / "offset", url
        self.set_wall_clock(0)

    def set_wall_clock(self, seconds: int) -> None:
        """Let the wall clock show so many seconds more than it is."""
        beside = self._offset.with_suffix(".new")
        beside.write_text(f"{seconds:+d}\n")
        beside.replace(self._offset)

    @asynccontextmanager
    async def process(self, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run `tests.bot.job_worker_process`, and kill it at the end if it still runs."""
        environment = {
            **os.environ,
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        command = (sys.executable, "-m", "tests.bot.job_worker_process", self._url, *arguments)
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        try:
            assert await read_line(process) == "ready"
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def read_line(process: asyncio.subprocess.Process) -> str:
    """Return the next line that a process prints."""
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), PATIENCE)).decode().strip()


@pytest.fixture
def machine(libfaketime: Path, tmp_path: Path, migrated_file: Path) -> Machine:
    database = shutil.copy(migrated_file, tmp_path / "kaika.db")
    return Machine(libfaketime, tmp_path, f"sqlite+aiosqlite:///{database}")


async def test_a_job_is_done_after_its_seconds_though_the_clock_is_set_back(
    machine: Machine,
) -> None:
    async with machine.process("2") as process:
        machine.set_wall_clock(-AN_HOUR)
        assert await read_line(process) == "done"


async def test_a_job_is_done_at_once_where_the_clock_was_set_back_before_the_restart(
    machine: Machine,
) -> None:
    machine.set_wall_clock(AN_HOUR)
    async with machine.process(str(AN_HOUR)):
        pass
    machine.set_wall_clock(0)
    async with machine.process() as process:
        assert await read_line(process) == "done"
