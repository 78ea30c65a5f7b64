"""Runs real programs as a person at a terminal does: `kaika`, `openssl`, `curl`."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

READY = b'"event": "ready"'
_PATIENCE = 120


@dataclass(frozen=True)
class CommandResult:
    """Exit status and output of a program."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        """Parse the JSON value on standard output."""
        return json.loads(self.out)


@dataclass(frozen=True)
class CommandRunner:
    """Runs programs with their data in a folder.

    :ivar environment: what is set there besides what every process has.
    """

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    async def kaika(self, *words: str) -> CommandResult:
        """Run a command of `kaika`."""
        return await self.run(sys.executable, "-m", "bot.cli.main", *words)

    async def run(self, *command: str) -> CommandResult:
        """Run a program to its end, without input."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            env=self._environment(),
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(), _PATIENCE)
        except TimeoutError:
            process.kill()
            raise
        assert process.returncode is not None
        return CommandResult(process.returncode, out.decode(), err.decode())

    @asynccontextmanager
    async def demo(self) -> AsyncIterator[None]:
        """Run `kaika demo`, and wait until it is ready."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot.cli.main", "demo", "--port", "0"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment(),
        )
        assert process.stderr is not None
        output = b""
        while READY not in output:
            line = await asyncio.wait_for(process.stderr.readline(), _PATIENCE)
            assert line, output.decode()
            output += line
        reading = asyncio.create_task(process.stderr.read())
        try:
            yield
            process.terminate()
            assert await asyncio.wait_for(process.wait(), _PATIENCE) == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            assert b"Traceback" not in await reading

    def _environment(self) -> dict[str, str]:
        own = {
            "KAIKA_DATA_DIR": str(self.folder / "data"),
            "KAIKA_LOG_FORMAT": "json",
            "KAIKA_CARD_PASSPHRASE": "of the card",
            "COLUMNS": "200",
        }
        outside = {k: v for k, v in os.environ.items() if not k.startswith("KAIKA_")}
        return {**outside, **own, **self.environment}
