"""Fixtures of the conversations with the embedded authority."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sandbox.engine import Engine
from tests.chat import Stage
from tests.handlers.conversations.online.bridge_stage import BridgeStage, open_bridge_stage
from tests.handlers.conversations.online.cardholders import Office, open_online_stage
from tests.handlers.conversations.online.leak_detection import LeakDetector, detect_leaks


@pytest.fixture(autouse=True)
def leak_detector(engine: Engine, tmp_path: Path) -> Iterator[LeakDetector]:
    """Expects that no secret has leaked once a test is over and its bot stopped."""
    with detect_leaks(engine, tmp_path) as detector:
        yield detector
    assert detector.find_leaks() == []


@pytest.fixture
async def stage(engine: Engine, tmp_path: Path) -> AsyncIterator[Stage]:
    """The whole bot on the sandbox, with the embedded authority behind it."""
    async with open_online_stage(engine, tmp_path) as ready:
        yield ready


@pytest.fixture
def office(stage: Stage, tmp_path: Path) -> Office:
    """The counter of the authority."""
    return Office.open_for(stage, tmp_path)


@pytest.fixture
async def bridge_stage(stage: Stage, office: Office) -> AsyncIterator[BridgeStage]:
    """The bot with its bridge server."""
    async with open_bridge_stage(stage, office) as ready:
        yield ready
