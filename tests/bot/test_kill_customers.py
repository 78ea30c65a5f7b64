"""SIGKILL during payments and suspensions; on demand more often (`kill_harness`)."""

import asyncio
import random
from pathlib import Path

from tests.bot.kill_harness import KillTestWorld, run_kill_test

KILLS = 10


def test_nothing_is_lost_or_done_twice_after_sigkill(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**9)
    url = f"sqlite+aiosqlite:///{tmp_path / 'kaika.db'}"
    town = asyncio.run(run_kill_test(url, tmp_path, KILLS, seed, KillTestWorld))
    assert len(town.started) >= KillTestWorld.CONCURRENT_PEOPLE
