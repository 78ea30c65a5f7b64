"""Loads the bot on each database in turn, prints a table and writes ``build/load.json``.

    python -m benchmarks.load --minutes 10

How to read it: docs/reliability.md.
"""

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import nan
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.load.loop_delay import BUCKET
from benchmarks.load.plan import LoadPlan
from benchmarks.load.setup import make_environment, set_up_records
from benchmarks.processes import (
    FAKE_CORE,
    ROOT,
    FakeBotApiProcess,
    MeasurementError,
    OtherPrograms,
    run_module,
    usage,
)
from benchmarks.workload import on_topic_questions
from tests.bot.kaika_program import free_port
from tests.services.authority.postgres import SAFE, PostgresServer

P95_SECONDS = 0.150
CHECKOUT_SECONDS = 1.0
GROWTH = 0.05
_FOLDER = ROOT / "build" / "load"
_FILE = ROOT / "build" / "load.json"
_SAMPLE_SECONDS = 5.0
_STOP_SECONDS = 20.0
_console = Console(width=None if sys.stdout.isatty() else 130)


@dataclass
class LoadedDatabase:
    """A database under load, and how large it is."""

    name: str
    url: str
    server: PostgresServer | None

    def size(self) -> int:
        """Return the bytes on disk."""
        if self.server is not None:
            return int(self.server.query("load", "SELECT pg_database_size(current_database())"))
        path = Path(self.url.partition("///")[2])
        return sum(f.stat().st_size for f in path.parent.glob(path.name + "*"))


@contextmanager
def open_load_database(name: str, folder: Path) -> Iterator[LoadedDatabase]:
    """Create a database with the durability of production."""
    if name == "sqlite":
        yield LoadedDatabase(name, f"sqlite+aiosqlite:///{folder / 'kaika.db'}", None)
        return
    server = PostgresServer(SAFE)
    try:
        yield LoadedDatabase(name, server.create("load"), server)
    finally:
        server.stop()
        shutil.rmtree(server.folder)


@dataclass
class MemorySamples:
    """The bot's memory over time, in MiB."""

    process: int
    began: float = field(default_factory=monotonic)
    samples: list[tuple[float, float]] = field(default_factory=list)

    def take(self) -> None:
        """Take a sample."""
        self.samples.append((monotonic() - self.began, usage(self.process).rss_mib))

    def at(self, seconds: float) -> float:
        """Return the memory at a moment: the mean of the samples around it."""
        near = sorted(self.samples, key=lambda sample: abs(sample[0] - seconds))[:5]
        return sum(value for _, value in near) / len(near)


def run_load(name: str, minutes: float, has_flood: bool) -> dict[str, Any]:
    """Load the bot on one database, and return what was measured."""
    folder = _FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    port = free_port()
    with open_load_database(name, folder) as database:
        secrets = asyncio.run(set_up_records(database.url, folder, port))
        flood = min(60.0, minutes * 60 / 5) if has_flood else 0.0
        plan = LoadPlan(minutes * 60, on_topic_questions(), secrets, flood_seconds=flood)
        (folder / "plan.json").write_text(json.dumps(plan.to_json()))
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        report, delays = folder / "report.json", folder / "delays.json"
        people = ["benchmarks.load.telegram", str(folder / "plan.json"), str(report)]
        before = database.size()
        with run_module(people, FAKE_CORE, folder / "telegram.log", {}, **pipes) as telegram:
            fake = FakeBotApiProcess(telegram)
            environment = make_environment(database.url, folder, fake.address, port)
            bot = ["benchmarks.load.loop_delay", str(delays)]
            with run_module(bot, None, folder / "bot.log", environment) as process:
                others = OtherPrograms()
                memory = _wait_for_report(fake, process, report, plan.seconds)
                used = usage(process.pid)
                size = database.size()
                busy = others.share()
                process.send_signal(signal.SIGTERM)
                process.wait(_STOP_SECONDS)
    measured = json.loads(report.read_text())
    return {
        **_describe_times(measured.pop("times")),
        **measured,
        "loop_delay_ms": _read_delays(delays),
        "memory_mib": {
            "half": round(memory.at(plan.seconds / 2), 1),
            "end": round(memory.at(plan.seconds), 1),
        },
        "database_bytes": {"before": before, "after": size},
        "bot_cpu_seconds": round(used.cpu, 1),
        "others_busy": busy,
    }


def _wait_for_report(
    fake: FakeBotApiProcess, process: "subprocess.Popen[str]", report: Path, seconds: float
) -> MemorySamples:
    fake.wait_for("first_poll", process)
    memory = MemorySamples(process.pid)
    memory.take()
    while not report.exists():
        if process.poll() is not None or memory.began + seconds + 120 < monotonic():
            raise MeasurementError(f"the bot ended early or never; see {report.parent}")
        memory.take()
        sleep(_SAMPLE_SECONDS)
    sleep(1)  # until it is written
    return memory


def _describe_times(times: dict[str, list[float]]) -> dict[str, Any]:
    usual = [t for kind, found in times.items() if kind in ("faq", "step", "code") for t in found]
    kinds = {"all outside the flood": usual, **dict(sorted(times.items()))}
    return {"answers": {kind: _percentiles(found) for kind, found in kinds.items()}}


def _percentiles(values: list[float]) -> dict[str, Any]:
    ordered = sorted(values) or [0.0]
    at = {
        f"p{p}": ordered[min(int(len(ordered) * p / 100), len(ordered) - 1)] for p in (50, 95, 99)
    }
    milliseconds = {name: round(value * 1000, 1) for name, value in at.items()}
    return {"count": len(values), **milliseconds, "max": round(ordered[-1] * 1000, 1)}


def _read_delays(path: Path) -> dict[str, float]:
    """Describe the meter's histogram; one that was cut short with the bot has written none."""
    if not path.exists():
        return dict.fromkeys(("p50", "p95", "p99", "max"), nan)
    return _describe_delays(json.loads(path.read_text()))


def _describe_delays(counts: list[int]) -> dict[str, float]:
    whole, found = sum(counts), {}
    for share in (50, 95, 99):
        seen = 0
        for bucket, count in enumerate(counts):
            seen += count
            if seen >= whole * share / 100:
                found[f"p{share}"] = bucket * BUCKET * 1000
                break
    highest = max((bucket for bucket, count in enumerate(counts) if count), default=0)
    return {**found, "max": highest * BUCKET * 1000}


def _show(name: str, found: dict[str, Any]) -> None:
    table = Table(title=f"{name}, milliseconds", title_justify="left", title_style="bold")
    for heading in ("", "answers", "p50", "p95", "p99", "max"):
        table.add_column(heading, justify="right" if heading else "left")
    for kind, times in found["answers"].items():
        table.add_row(kind, *(f"{times[key]:g}" for key in ("count", "p50", "p95", "p99", "max")))
    delay = found["loop_delay_ms"]
    table.add_row("event loop", "", *(f"{delay[key]:g}" for key in ("p50", "p95", "p99", "max")))
    _console.print(table)
    memory, size = found["memory_mib"], found["database_bytes"]
    _console.print(
        f"memory {memory['half']} → {memory['end']} MiB from the middle to the end; database "
        f"{size['before'] / 1e6:.1f} → {size['after'] / 1e6:.1f} MB; unanswered "
        f"{found['unanswered'] or 'none'}; the bot took {found['bot_cpu_seconds']} s of the "
        f"processor, other programs {found['others_busy']:.0%} of the machine."
    )


def find_misses(found: dict[str, Any]) -> list[str]:
    """Return the promises that were not met."""
    answers, memory = found["answers"], found["memory_mib"]
    faq = [kind for kind in answers if kind.startswith(("faq", "all"))]
    misses = [
        f"p95 of {kind}: {answers[kind]['p95']} ms"
        for kind in faq
        if answers[kind]["p95"] >= P95_SECONDS * 1000
    ]
    misses += [
        f"{kind}: {times['max']} ms"
        for kind, times in answers.items()
        if kind.startswith("checkout") and times["max"] >= CHECKOUT_SECONDS * 1000
    ]
    if memory["end"] > memory["half"] * (1 + GROWTH):
        misses.append(f"memory grew from {memory['half']} to {memory['end']} MiB")
    if found["unanswered"]:
        misses.append(f"unanswered: {found['unanswered']}")
    return misses


def main() -> int:
    """Load both databases; return 1 where a promise was not met."""
    parser = ArgumentParser(prog="python -m benchmarks.load")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    parser.add_argument("--no-flood", action="store_true", help="to see what the flood costs")
    given = parser.parse_args()
    results, missed = {}, False
    for name in given.database or ("sqlite", "postgresql"):
        results[name] = run_load(name, given.minutes, not given.no_flood)
        _show(name, results[name])
        for miss in find_misses(results[name]):
            missed = True
            _console.print(f"[red]not met[/] {miss}")
    _FILE.write_text(json.dumps({"minutes": given.minutes, **results}, indent=2) + "\n")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
