"""The processes of a measurement: bots on one core, the fake Bot API on the other."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from time import monotonic, sleep
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_ALLOWED = sorted(os.sched_getaffinity(0))
BOT_CORE = _ALLOWED[0]
FAKE_CORE = _ALLOWED[-1]
CORES = os.cpu_count() or 1
_TICK: int = os.sysconf("SC_CLK_TCK")
_STOP_SECONDS = 10.0
_QUIET_SECONDS = 0.2
_SETTLE_SECONDS = 5.0
_LONGEST_WAIT = 60.0
_PRIORITY = -15


class MeasurementError(Exception):
    """A process of the measurement ended too early."""


@dataclass(frozen=True)
class Usage:
    """CPU seconds used by a process so far, and its current memory."""

    cpu: float
    rss_mib: float


def usage(process: int) -> Usage:
    """Return what a process has used so far."""
    folder = Path("/proc") / str(process)
    times = (folder / "stat").read_text().rpartition(")")[2].split()
    status = (folder / "status").read_text()
    rss = int(status.partition("VmRSS:")[2].split()[0])
    return Usage((int(times[11]) + int(times[12])) / _TICK, rss / 1024)


def machine_busy() -> float:
    """Return the CPU seconds that all processes together have used so far."""
    user, nice, system, _idle, _wait, irq, softirq, *_ = map(
        int, Path("/proc/stat").read_text().split("\n")[0].split()[1:]
    )
    return (user + nice + system + irq + softirq) / _TICK


class OtherPrograms:
    """Measures the share of the machine that other programs use.

    This process, and those that it started and waited for, are not counted.
    """

    def __init__(self) -> None:
        self._begun = self._now()

    def share(self) -> float:
        """Return their share of all cores so far."""
        clock, theirs = (now - then for now, then in zip(self._now(), self._begun, strict=True))
        return round(max(theirs, 0.0) / clock / CORES, 2)

    @staticmethod
    def _now() -> tuple[float, float]:
        own = os.times()
        ours = own.user + own.system + own.children_user + own.children_system
        return monotonic(), machine_busy() - ours


def wait_until_idle(process: int) -> None:
    """Wait until a process uses no CPU."""
    end = monotonic() + _SETTLE_SECONDS
    before = usage(process).cpu
    while monotonic() < end:
        sleep(_QUIET_SECONDS)
        now = usage(process).cpu
        if now - before <= 1 / _TICK:
            return
        before = now


@contextmanager
def run_module(
    arguments: Sequence[str], core: int | None, log: Path, more: Mapping[str, str], **pipes: Any
) -> Iterator[subprocess.Popen[str]]:
    """Run a Python module while the block runs, then end it.

    :param core: the core it may use; any core where `None`.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("KAIKA_", "PYTHON"))}
    environment = kept | {"PYTHONPATH": str(ROOT), **more}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=log.parent,  # away from an operator's .env
            env=environment,
            text=True,
            stderr=errors,
            start_new_session=True,  # the scheduler weighs sessions against each other
            **({"stdout": errors} | pipes),
        )
        if core is not None:
            os.sched_setaffinity(process.pid, {core})
        raise_priority(process.pid)
        try:
            yield process
        finally:
            _end(process)


def raise_priority(process: int) -> None:
    """Raise the scheduling priority of a process, where that is permitted (as root)."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, process, _PRIORITY)
        (Path("/proc") / str(process) / "autogroup").write_text(str(_PRIORITY))


def _end(process: subprocess.Popen[str]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class FakeBotApiProcess:
    """The pipes to a fake Bot API."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._said: Queue[dict[str, Any]] = Queue()
        Thread(target=self._listen, daemon=True).start()
        self.id = process.pid
        self.address = f"http://127.0.0.1:{self.wait_for('port')}"

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._said.put(json.loads(line))

    def wait_for(self, what: str, bot: subprocess.Popen[str] | None = None) -> Any:
        """Wait for a line with the key `what`, while `bot` runs.

        :raises MeasurementError: when the fake or the bot has ended, or on a timeout.
        """
        end = monotonic() + _LONGEST_WAIT
        while monotonic() < end:
            with suppress(Empty):
                said = self._said.get(timeout=0.2)
                if what in said:
                    return said[what]
            for process in (self._process, bot):
                if process is not None and process.poll() is not None and self._said.empty():
                    raise MeasurementError(
                        f"{process.args!r} ended before there was a {what}; its last words are in "
                        "the .log files of build/bench"
                    )
        raise MeasurementError(f"there was no {what} within {_LONGEST_WAIT:g} seconds")

    def open_gate(self) -> None:
        """Let the updates out."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()


@contextmanager
def fake_bot_api(
    folder: Path, messages: Sequence[tuple[int, str]], latency: float
) -> Iterator[FakeBotApiProcess]:
    """Run a fake Bot API that delivers `messages`."""
    folder.mkdir(parents=True, exist_ok=True)
    plan = folder / "plan.json"
    plan.write_text(json.dumps(messages))
    arguments = ["benchmarks.fake_bot_api", str(plan), "--latency", str(latency)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with run_module(arguments, FAKE_CORE, folder / "fake.log", {}, **pipes) as process:
        yield FakeBotApiProcess(process)
