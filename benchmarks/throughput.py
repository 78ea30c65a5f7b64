"""Updates per second through the whole bot and through echo bots, on a minimal fake Bot API.

    python -m benchmarks.throughput

How to read it: docs/benchmarks.md.
"""

import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.bots_under_test import CONTESTANTS, KAIKA
from benchmarks.processes import BOT_CORE, FAKE_CORE, ROOT, fake_bot_api, run_module
from benchmarks.reply_check import ExpectedReply, check_tally
from benchmarks.results import merge
from benchmarks.single_run import RunFigures, measure_run
from benchmarks.summary import HEADINGS, Figures, compare_contestants, summarize, table_cells
from benchmarks.workload import CHATS, draw_messages

LATENCIES = (0, 50)
_FOLDER = ROOT / "build" / "bench"
_console = Console(width=None if sys.stdout.isatty() else 150)

Runs = dict[tuple[int, str], list[RunFigures]]


def measure_fake_alone() -> float:
    """Return the calls per second that the fake Bot API answers."""
    folder = _FOLDER / "fake"
    with fake_bot_api(folder, [], 0.0) as fake:
        arguments = ["benchmarks.fake_bot_api_capacity", fake.address.rpartition(":")[2]]
        pipe = {"stdout": subprocess.PIPE}
        with run_module(arguments, BOT_CORE, folder / "load.log", {}, **pipe) as generator:
            return float(generator.communicate()[0])


def _run_all(asked: Sequence[ExpectedReply]) -> Runs:
    runs: Runs = defaultdict(list)
    for latency in LATENCIES:
        for number in range(max(who.rounds.get(latency, 0) for who in CONTESTANTS)):
            # Reversed each time, so that no contestant always runs first.
            for who in CONTESTANTS[:: -1 if number % 2 else 1]:
                if number < who.rounds.get(latency, 0):
                    _console.print(f"{latency} ms, round {number + 1}: {who.name}", style="dim")
                    part = asked[: who.messages[latency]]
                    run = measure_run(who, part, latency / 1000, _FOLDER / who.key)
                    runs[latency, who.key].append(run)
    return runs


def _ratios(runs: Runs) -> dict[str, Figures]:
    def to(key: str, latency: int, wanted: float) -> Figures:
        return compare_contestants(runs[latency, KAIKA], runs[latency, key], wanted)

    return {
        "aiogram echo at 0 ms": to("aiogram", 0, 1.0),
        "aiogram echo on uvloop at 0 ms": to("aiogram_uvloop", 0, 1.0),
        "PTB echo as it comes at 50 ms": to("ptb", 50, 20.0),
    }


def _table(latency: int, figures: dict[str, Figures]) -> Table:
    title = f"{latency} ms a call, {CHATS} chats"
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("bot", no_wrap=True)
    for heading in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for who in CONTESTANTS:
        if who.key in figures:
            table.add_row(who.name, *table_cells(figures[who.key]))
    return table


def _show(results: dict[str, Any]) -> None:
    for latency in LATENCIES:
        _console.print(_table(latency, results[f"{latency} ms"]))
    fake = results["fake_alone_calls_per_second"]
    _console.print(
        f"The fake Bot API alone: {' and '.join(f'{calls:.0f}' for calls in fake)} calls/s before "
        f"and after, {results['fake_to_fastest_bot']:.0f} times the fastest run."
    )
    for name, ratio in results["kaika_to"].items():
        met = "[green]met[/]" if ratio["met"] else "[red]not met[/]"
        _console.print(
            f"Kaika to {name}: {ratio['ratio']} (each time {ratio['pairs']}, by CPU time "
            f"{ratio['by_cpu']}); wanted {ratio['wanted']:g}: {met}"
        )
    busy = max(one["others_busy"] for one in results["0 ms"].values())
    _console.print(f"What else ran on the machine took up to {busy:.0%} of its cores meanwhile.")


def main() -> int:
    """Measure, print and write the figures; return 1 if Kaika lost or mixed up a reply."""
    check_tally()
    shutil.rmtree(_FOLDER, ignore_errors=True)
    most = max(n for who in CONTESTANTS for n in who.messages.values())
    before = measure_fake_alone()
    runs = _run_all(draw_messages(most))
    alone = [before, measure_fake_alone()]
    fastest = max(run.rate for each in runs.values() for run in each)
    results: dict[str, Any] = {
        f"{latency} ms": {
            who.key: summarize(runs[latency, who.key])
            for who in CONTESTANTS
            if runs[latency, who.key]
        }
        for latency in LATENCIES
    }
    results |= {
        "chats": CHATS,
        "cores": {"bot": BOT_CORE, "fake": FAKE_CORE},
        "fake_alone_calls_per_second": [round(calls) for calls in alone],
        "fake_to_fastest_bot": round(min(alone) / fastest, 1),
        "kaika_to": _ratios(runs),
    }
    merge("throughput", results)
    _show(results)
    ours = [run for latency in LATENCIES for run in runs[latency, KAIKA]]
    return int(not all(run.tally.is_clean and run.inbox_done == run.messages for run in ours))


if __name__ == "__main__":
    sys.exit(main())
