"""SIGKILL at the messages of pairing and card operations over real bridges; on demand more."""

import asyncio
import random
from pathlib import Path

from tests.bot.card_strikes import CardKillTestWorld
from tests.bot.mixed_strikes import run_kill_test

STRIKES = 24


def test_cards_and_authority_agree_after_sigkill(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**9)
    url = f"sqlite+aiosqlite:///{tmp_path / 'kaika.db'}"
    town = asyncio.run(run_kill_test(url, tmp_path, STRIKES, seed, CardKillTestWorld))
    assert {work for work, _ in town.messages} == {"link", "activate", "unlock"}
