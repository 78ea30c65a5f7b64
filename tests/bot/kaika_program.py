"""The program `kaika run`, to be started and killed repeatedly."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bot.simulated_customers import PATIENCE
from tests.bot_harness import TOKEN

ROOT = Path(__file__).parents[2]
PASSPHRASE = "of an authority that is killed"


@dataclass
class KaikaProgram:
    """`kaika run`, started and killed repeatedly.

    :ivar log: what it logged, in one file.
    :ivar process: the number of its process, while there is one.
    """

    fork_server: asyncio.subprocess.Process
    log: Path
    process: int | None = None

    @classmethod
    @asynccontextmanager
    async def running(cls, environment: dict[str, str], log: Path) -> AsyncIterator["KaikaProgram"]:
        """Run the fork server while the block runs."""
        with log.open("ab") as opened:
            starter = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.bot.fork_server"),
                env={**os.environ, **environment},
                cwd=ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=opened,
            )
        program = cls(starter, log)
        try:
            yield program
        finally:
            if program.process is not None:
                os.kill(program.process, signal.SIGKILL)
            starter.kill()
            await starter.wait()

    async def start(self) -> None:
        """Start the program."""
        assert self.fork_server.stdin is not None
        self.fork_server.stdin.write(b"\n")
        self.process = await self._read_number()

    async def end(self, how: signal.Signals) -> int:
        """Send a signal, and return the exit status."""
        assert self.process is not None
        os.kill(self.process, how)
        ended = await self._read_number()
        self.process = None
        return ended

    async def _read_number(self) -> int:
        assert self.fork_server.stdout is not None
        line = await asyncio.wait_for(self.fork_server.stdout.readline(), PATIENCE)
        assert line, self.log.read_text()[-2000:]
        return int(line)


def kaika_environment(url: str, folder: Path, api: str, public: int, mail: int) -> dict[str, str]:
    """Settings of a bot with the embedded authority and payments, as environment variables.

    :param api: where its Telegram is.
    :param public: the port of its public listener.
    :param mail: the port of its mail server.
    """
    settings = {
        "BOT_TOKEN": TOKEN,
        "BASE_URL": api,
        "DATA_DIR": str(folder),
        "DATABASE_URL": url,
        "AUTHORITY": "embedded",
        "CA_PASSPHRASE": PASSPHRASE,
        "PUBLIC_URL": f"http://127.0.0.1:{public}",
        "PUBLIC_PORT": str(public),
        "LOOPBACK_PORT": "0",
        "PAYMENT_PROVIDER_TOKEN": "284685063:TEST:kills",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(mail),
        "SMTP_SECURITY": "none",
        "MAIL_FROM": "Kaika <kaika@authority.example>",
        "TEXTS_PER_MINUTE": "0",
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "debug",
    }
    return {f"KAIKA_{name}": value for name, value in settings.items()}


def free_port() -> int:
    """Return a free port."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port
