"""Both kinds of bot that a person may meet."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.engine import Engine
from tests.bot_harness import BotHarness
from tests.handlers.conversations.online.cardholders import Office, open_online_harness


@pytest.fixture
async def embedded(engine: Engine, tmp_path: Path) -> AsyncIterator[Office]:
    """The counter of the authority behind a bot that carries operations out."""
    async with open_online_harness(engine, tmp_path) as harness:
        yield Office.open_for(harness, tmp_path)


@pytest.fixture
async def guide(engine: Engine, tmp_path: Path) -> AsyncIterator[BotHarness]:
    """A bot that guides through the official page."""
    async with BotHarness.start(engine, tmp_path) as harness:
        yield harness
