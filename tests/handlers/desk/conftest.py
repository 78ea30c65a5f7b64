"""A support desk: its admin, a staff group, and the bot."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.engine import Engine
from tests.bot_harness import BotHarness
from tests.handlers.desk.desk_harness import DeskHarness


@pytest.fixture
async def desk(engine: Engine, tmp_path: Path) -> AsyncIterator[DeskHarness]:
    """A desk that is not set up yet."""
    admin = engine.add_person("Mei", "en")
    async with BotHarness.start(engine, tmp_path, desk_admins=(admin.id,)) as harness:
        yield DeskHarness(harness, admin)
