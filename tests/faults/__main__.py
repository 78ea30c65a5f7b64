"""Runs everything that fails, and prints one ledger: ``python -m tests.faults --kills 100``.

First every test of a fault, then a crash after every commit and every send, then kills at random
points on both databases. The kills come in rounds, each on a database of its own, with a seed made
of the one that is printed. A run with the same seed goes on after the last round that was clean;
``--round N`` repeats one.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.bot.kill_harness import run_kill_test
from tests.faults.mixed_load import Ledger, MixedKillTestWorld
from tests.services.authority.authority_harness import fast_folder
from tests.services.authority.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "faults"
KILLS_PER_ROUND = 50
_FILES = (
    "tests/faults",  # a full disk, a locked file, a mail server, a frozen process, PostgreSQL
    "tests/bot/test_database_faults.py",  # killed backends, a restart, a silent line
    "tests/bot/test_two_processes.py",
    "tests/bot/test_clock_of_the_machine.py",
    "tests/bot/test_telegram_answers.py",
    "tests/bot/test_poller.py",
    "tests/bot/test_update_order.py",
    "tests/bot/test_crash_marker.py",
    "tests/bot/test_poison_updates.py",
    "tests/bot/test_startup_errors.py",  # harmed files
    "tests/bot/test_kill_cardholders.py",
    "tests/services/test_availability.py",  # a damaged file, an exhausted pool
    "tests/services/test_ownership.py",
    "tests/services/authority/test_clock.py",
    "tests/services/authority/test_smtp.py",
    "tests/handlers/conversations/online/test_payment_outages.py",
)
_EVEN_SLOW = "slow_faults or not slow_faults"
_TESTS = (sys.executable, "-m", "pytest", "-m", _EVEN_SLOW, *_FILES)
_OUTAGES = (sys.executable, "-m", "tests.bot.database_outages", "15")
_CRASHES = (sys.executable, "-m", "tests.handlers.conversations.online.crash_runs")


def run_commands(commands: Sequence[Sequence[str]]) -> bool:
    """Run commands one after the other; return whether all of them succeeded."""
    is_clean = True
    for command in commands:
        began = time.monotonic()
        print("$", *command[1:], flush=True)  # noqa: T201
        ended = subprocess.run(command, cwd=ROOT, check=False)
        is_clean = is_clean and ended.returncode == 0
        print(f"  {time.monotonic() - began:.0f} seconds", flush=True)  # noqa: T201
    return is_clean


def run_round(number: int, kills: int, seed: int, server: PostgresServer) -> Ledger:
    """Kill the bot in one round, by turns on SQLite and on PostgreSQL.

    :raises AssertionError: where something is lost, doubled, half done or stuck.
    """
    folder = Path(tempfile.mkdtemp(prefix="kaika-faults-", dir=fast_folder()))
    url = f"sqlite+aiosqlite:///{folder / 'kaika.db'}"
    if number % 2:
        url = server.create(f"round_{number}_{os.getpid()}")
    try:
        round_seed = seed * 10_000 + number
        town = asyncio.run(run_kill_test(url, folder, kills, round_seed, MixedKillTestWorld))
    except BaseException:
        print(f"  what is left of round {number}: {folder}", flush=True)  # noqa: T201
        raise
    shutil.rmtree(folder)
    return town.ledger


def kill_in_rounds(kills: int, seed: int, only: int | None) -> bool:
    """Run the rounds that were not clean yet; return whether the ledger is clean."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    record = FOLDER / f"{seed}.json"
    done = {} if only is not None or not record.exists() else json.loads(record.read_text())
    rounds = range(-(-kills // KILLS_PER_ROUND)) if only is None else [only]
    failed, server = [], PostgresServer()
    try:
        for number in rounds:
            if str(number) in done:
                continue
            size = min(KILLS_PER_ROUND, kills - number * KILLS_PER_ROUND)
            began = time.monotonic()
            try:
                ledger = run_round(number, size if only is None else KILLS_PER_ROUND, seed, server)
            except Exception as error:
                failed.append(number)
                print(f"round {number} FAILED: {error}", flush=True)  # noqa: T201
                continue
            done[str(number)] = asdict(ledger)
            record.write_text(json.dumps(done))
            took = time.monotonic() - began
            print(f"round {number}: {ledger.kills} kills in {took:.0f} s", flush=True)  # noqa: T201
    finally:
        server.stop()
        shutil.rmtree(server.folder)
    total = sum((Ledger(**each) for each in done.values()), Ledger())
    print(f"The ledger of seed {seed}, of {len(done)} rounds:\n{total}")  # noqa: T201
    print(f"failed: {failed}" if failed else "everything agrees")  # noqa: T201
    return not failed and not total.faults()


def main() -> int:
    """Run what the command line asks for; return 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--round", type=int, help="repeat this round only")
    parser.add_argument("--kills-only", action="store_true", help="without the tests")
    given = parser.parse_args()
    print(f"seed {given.seed}, {given.kills} kills", flush=True)  # noqa: T201
    is_clean = True
    if not given.kills_only and given.round is None:
        is_clean = run_commands((_TESTS, _OUTAGES, _CRASHES))
    is_clean = kill_in_rounds(given.kills, given.seed, given.round) and is_clean
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
