"""`kaika run` as a process of its own, with its health and its log."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from tests.bot.kaika_program import ROOT, free_port
from tests.bot_harness import TOKEN
from tests.patience import PATIENCE

_LOOK_SECONDS = 0.05


class BotProcess:
    """A running `kaika run` that guides.

    :ivar process: the process that was started, of which the bot may be a child.
    """

    def __init__(self, process: asyncio.subprocess.Process, log: Path, port: int) -> None:
        self.process, self._log, self._port = process, log, port

    @classmethod
    @asynccontextmanager
    async def running(
        cls, api_url: str, database_url: str, folder: Path, prefix: Sequence[str] = ()
    ) -> AsyncIterator["BotProcess"]:
        """Run the program while the block runs; kill it at the end if it still runs.

        :param folder: its data folder.
        :param prefix: a command that runs it, such as `unshare`.
        """
        folder.mkdir(exist_ok=True)
        port = free_port()
        settings = {
            "BOT_TOKEN": TOKEN,
            "BASE_URL": f"{api_url}/bot",
            "DATA_DIR": str(folder),
            "DATABASE_URL": database_url,
            "LOOPBACK_PORT": str(port),
            "LOG_FORMAT": "json",
        }
        environment = {**os.environ, **{f"KAIKA_{name}": each for name, each in settings.items()}}
        log = folder / f"log-{port}"
        command = (*prefix, sys.executable, "-m", "bot.cli.main", "run")
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                *command, cwd=ROOT, env=environment, stdout=out, stderr=out
            )
        try:
            yield cls(process, log, port)
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.kill()
            await process.wait()

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    async def wait(self) -> int:
        """Return the exit status, once it ended."""
        return await asyncio.wait_for(self.process.wait(), PATIENCE)

    def log_lines(self, event: str) -> list[dict[str, Any]]:
        """Return what it logged about an event."""
        lines = [line for line in self._log.read_text().splitlines() if line.startswith("{")]
        return [found for found in map(json.loads, lines) if found["event"] == event]

    def read_log(self) -> str:
        """Return everything it logged."""
        return self._log.read_text()

    async def report_health(self) -> tuple[int, dict[str, Any]]:
        """Return status and body of ``/healthz``; status 0 while nobody answers."""
        address = f"http://127.0.0.1:{self._port}/healthz"
        async with ClientSession(timeout=ClientTimeout(2.0)) as session:
            try:
                async with session.get(address) as answer:
                    return answer.status, await answer.json()
            except (ClientError, TimeoutError):
                return 0, {"status": "silent", "problems": []}

    async def has_health(self, status: str, problem: str = "") -> dict[str, Any]:
        """Wait until the health says so, and return it."""
        for _ in range(int(PATIENCE / _LOOK_SECONDS)):
            code, report = await self.report_health()
            assert (code == 200) == (report["status"] == "ok")
            if report["status"] == status and problem in " ".join(report["problems"]):
                return report
            assert self.process.returncode is None, self.read_log()
            await asyncio.sleep(_LOOK_SECONDS)
        raise AssertionError(f"{report}\n{self.read_log()}")
