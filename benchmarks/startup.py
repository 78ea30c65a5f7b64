"""The time in which Kaika starts, and its memory afterwards.

    python -m benchmarks.startup

From the start of the process to its first request for updates: with a new data folder (keys and
database are created) and with an existing one.
"""

import shutil
import sys
from pathlib import Path
from statistics import median
from time import monotonic

from rich.console import Console

from benchmarks.bots_under_test import CONTESTANTS, KAIKA
from benchmarks.processes import BOT_CORE, ROOT, fake_bot_api, run_module, usage, wait_until_idle
from benchmarks.results import merge, spread

_ROUNDS = 3
_FOLDER = ROOT / "build" / "bench" / "startup"
_KAIKA = next(who for who in CONTESTANTS if who.key == KAIKA)
_console = Console(soft_wrap=True)


def time_start(folder: Path) -> tuple[float, float]:
    """Start once; return seconds to the first request for updates, and MiB when idle."""
    with fake_bot_api(folder, [], 0.0) as fake:
        begun = monotonic()
        environment = _KAIKA.environment(fake.address, folder)
        command = _KAIKA.command(fake.address)
        with run_module(command, BOT_CORE, folder / "bot.log", environment) as bot:
            seconds = float(fake.wait_for("first_poll", bot)) - begun
            wait_until_idle(bot.pid)
            return seconds, usage(bot.pid).rss_mib


def main() -> int:
    """Measure, print and write the figures."""
    shutil.rmtree(_FOLDER, ignore_errors=True)
    time_start(_FOLDER / "0")  # writes byte code, as an installation does
    new = [time_start(_FOLDER / str(number)) for number in range(1, _ROUNDS + 1)]
    again = [time_start(_FOLDER / str(number)) for number in range(1, _ROUNDS + 1)]
    figures = {
        "rounds": _ROUNDS,
        "new_data_folder_seconds": spread([seconds for seconds, _ in new]),
        "known_data_folder_seconds": spread([seconds for seconds, _ in again]),
        "rss_after_start_mib": round(median(rss for _, rss in new + again), 1),
    }
    merge("start_up", figures)
    first, later = figures["new_data_folder_seconds"], figures["known_data_folder_seconds"]
    assert isinstance(first, dict)
    assert isinstance(later, dict)
    _console.print(
        f"Start to first request for updates: {first['median']:.2f} s with a new data folder, "
        f"{later['median']:.2f} s with a known one (medians of {_ROUNDS}); "
        f"then {figures['rss_after_start_mib']} MiB."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
