"""A support desk: its admin, the group of the staff, agents and a subscriber."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.engine import Engine
from tests.bot_harness import BotHarness, ChatUser
from tests.handlers.desk.desk_harness import DeskHarness


@pytest.fixture(autouse=True)
def _calls_made_only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the scheduler work only where a test says so, by the time of the test."""
    monkeypatch.setattr("bot.jobs.desk_scheduler._INTERVAL", 3600.0)


@pytest.fixture
async def desk(engine: Engine, tmp_path: Path) -> AsyncIterator[DeskHarness]:
    """A desk that is not set up yet."""
    admin = engine.add_person("Mei", "en")
    async with BotHarness.start(engine, tmp_path, desk_admins=(admin.id,)) as harness:
        yield DeskHarness(harness, admin)


@pytest.fixture
async def bo(desk: DeskHarness) -> ChatUser:
    """An agent."""
    return desk.harness.add_user("Bo")


@pytest.fixture
async def cai(desk: DeskHarness) -> ChatUser:
    """Another agent."""
    return desk.harness.add_user("Cai")


@pytest.fixture
async def anna(desk: DeskHarness, bo: ChatUser, cai: ChatUser) -> ChatUser:
    """A subscriber of a desk that is set up."""
    await desk.set_up(bo, cai)
    anna = desk.harness.add_user("Anna")
    await anna.starts()
    return anna
