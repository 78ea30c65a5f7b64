"""SIGKILL at random moments: authority, certificates and audit agree afterwards."""

import asyncio
import os
import random
from pathlib import Path

from tests.services.authority.conftest import MakeUrl
from tests.services.authority.kill_harness import strike

STRIKES = 10
"""On each of the two kinds of database."""


def test_no_act_is_half_done_after_sigkill(make_url: MakeUrl, folder: Path) -> None:
    url = asyncio.run(make_url(folder))
    seed = int(os.environ.get("STRIKES_SEED") or random.SystemRandom().randrange(10**9))
    strike(url, folder, STRIKES, seed)
