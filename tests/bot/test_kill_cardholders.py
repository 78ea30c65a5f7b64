"""SIGKILL at messages of pairing and card operations; on demand more (`card_kill_harness`)."""

import asyncio
import random
from pathlib import Path

from tests.bot.card_kill_harness import CardKillTestWorld
from tests.bot.kill_harness import run_kill_test

KILLS = 14


def test_cards_and_authority_agree_after_sigkill(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**9)
    url = f"sqlite+aiosqlite:///{tmp_path / 'kaika.db'}"
    town = asyncio.run(run_kill_test(url, tmp_path, KILLS, seed, CardKillTestWorld))
    assert {work for work, _ in town.messages} >= {"link", "activate"}
