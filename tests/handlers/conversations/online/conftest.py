"""What the tests of conversations with the embedded authority may ask for."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sandbox.engine import Engine
from tests.chat import Stage
from tests.handlers.conversations.online.bridge_stage import BridgeStage, open_bridge_stage
from tests.handlers.conversations.online.cardholders import NOW, Office, set_time
from tests.handlers.conversations.online.leak_detection import LeakDetector, detect_leaks


@pytest.fixture(autouse=True)
def traces(engine: Engine, tmp_path: Path) -> Iterator[LeakDetector]:
    """What is secret is nowhere once a test is over and its bot stopped."""
    with detect_leaks(engine, tmp_path) as traces:
        yield traces
    assert traces.find_leaks() == []


@pytest.fixture
async def stage(engine: Engine, tmp_path: Path) -> AsyncIterator[Stage]:
    """The whole bot on the sandbox, with the embedded authority behind it."""
    async with Stage.set_up(engine, tmp_path, "embedded") as ready:
        set_time(ready, NOW)
        yield ready


@pytest.fixture
def office(stage: Stage, tmp_path: Path) -> Office:
    """The counter of the authority."""
    return Office.open_for(stage, tmp_path)


@pytest.fixture
async def cards(stage: Stage, office: Office) -> AsyncIterator[BridgeStage]:
    """The bot with its bridge."""
    async with open_bridge_stage(stage, office) as ready:
        yield ready
