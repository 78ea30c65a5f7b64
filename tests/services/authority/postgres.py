"""A PostgreSQL server of our own: Debian's binaries, a folder of its own, a random port.

It refuses to run as root, so it is started as an unprivileged user where the tests run as root.
"""

import ctypes
import os
import pwd
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

BINARIES = Path("/usr/lib/postgresql/15/bin")
_USERS = ("postgres", "nobody")
_START_SECONDS = 60.0
TEST_DATABASE = "kaika_test"
"""The database that the tests of a process share, each emptying it first."""
SAFE = (
    "max_connections=60", "shared_buffers=32MB", "listen_addresses=127.0.0.1",
    "logging_collector=off",
)  # fmt: skip
"""Options of a server that keeps what it was told also when the machine fails."""
FAST = (*SAFE, "fsync=off", "full_page_writes=off")
"""Options of a server that keeps what it was told when it ends, but not when the machine fails."""


class PostgresServer:
    """A running server, until it is stopped."""

    def __init__(self, options: Sequence[str] = FAST) -> None:
        self._options = options
        assert BINARIES.is_dir(), "PostgreSQL 15 is needed: apt-get install postgresql-15"
        self.user = _unprivileged_user()
        self.folder = Path(tempfile.mkdtemp(prefix="kaika-postgres-"))
        self.port = _free_port()
        if self.user:
            account = pwd.getpwnam(self.user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        self._run(
            "initdb", "-D", str(self._data), "-U", "kaika", "-A", "trust", "--no-sync", "-E", "UTF8"
        )
        self.launch()
        self.wait_until_ready()

    @property
    def is_running(self) -> bool:
        """Whether the server's process is there, frozen or not."""
        return self._process.poll() is None

    def launch(self) -> None:
        """Start the server, at the port it always had, without waiting until it is ready."""
        options = [part for option in self._options for part in ("-c", option)]
        where = ["-D", str(self._data), "-p", str(self.port), "-k", str(self.folder)]
        with (self.folder / "log").open("ab") as log:
            command = [str(BINARIES / "postgres"), *where, *options]
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, user=self.user, preexec_fn=_end_with_the_tests
            )

    def crash(self) -> None:
        """End the server immediately, as when the machine fails; `launch` makes it recover."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(timeout=30)

    def freeze(self) -> None:
        """Stop every process of the server where it is: sockets stay open and are silent."""
        for process in self._processes():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        for process in self._processes():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)

    def kill_backends(self, database: str) -> int:
        """End every connection to a database, and return how many there were."""
        ended = self.query(
            database,
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        return int(ended)

    def query(self, database: str, statement: str) -> str:
        """Run a statement on a connection of its own, and return what it prints, without header."""
        return self._run("psql", "-XAtqc", statement, *self._to(database)).decode().strip()

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str) -> str:
        """Return the address of a database."""
        return f"postgresql+asyncpg://kaika@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """Create a database, anew where there is one, and give its address."""
        here = self._to(database)[:-2]
        self._run("dropdb", *here, "--if-exists", "--force", database)
        self._run("createdb", *here, "-T", "template0", database)
        return self.url(database)

    def dump(self, database: str) -> bytes:
        """Return everything in a database, as text that also holds every value in hex."""
        return self._run("pg_dump", *self._to(database))

    def back_up(self, database: str) -> bytes:
        """Return a backup as operators make it (docs/operating.md)."""
        return self._run("pg_dump", "-Fc", *self._to(database))

    def restore(self, database: str, backup: bytes) -> None:
        """Load a backup into an empty database."""
        self._run("pg_restore", "--exit-on-error", *self._to(database), given=backup)

    def stop(self) -> None:
        """Stop the server and wait until it has."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=30)

    def _processes(self) -> list[int]:
        number = self._process.pid
        children = Path(f"/proc/{number}/task/{number}/children").read_text()
        return [number, *map(int, children.split())]

    def _to(self, database: str) -> list[str]:
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "kaika", "-d", database]

    def _run(self, tool: str, *arguments: str, given: bytes | None = None) -> bytes:
        done = subprocess.run(
            [str(BINARIES / tool), *arguments],
            input=given,
            capture_output=True,
            user=self.user,
            cwd=self.folder,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def wait_until_ready(self) -> None:
        """Wait until the server answers."""
        end = time.monotonic() + _START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                self._run("psql", "-c", "SELECT 1", *self._to("postgres"))
                return
            except (OSError, AssertionError):
                assert time.monotonic() < end, (self.folder / "log").read_text()
                assert self._process.poll() is None, (self.folder / "log").read_text()
                time.sleep(0.05)


def _end_with_the_tests() -> None:
    """Have the kernel stop the server when the tests are killed (Linux: prctl PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGINT)


def _unprivileged_user() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {account.pw_name for account in pwd.getpwall()}
    return next(user for user in _USERS if user in known)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
