"""Fixtures of the conversations with the embedded authority."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sandbox.engine import Engine
from tests.bot_harness import BotHarness
from tests.handlers.conversations.online.bridge_harness import BridgeHarness, open_bridge_harness
from tests.handlers.conversations.online.cardholders import Office, open_online_harness
from tests.handlers.conversations.online.leak_detection import LeakDetector, detect_leaks


@pytest.fixture(autouse=True)
def leak_detector(engine: Engine, tmp_path: Path) -> Iterator[LeakDetector]:
    """Expects that no secret has leaked once a test is over and its bot stopped."""
    with detect_leaks(engine, tmp_path) as detector:
        yield detector
    assert detector.find_leaks() == []


@pytest.fixture
async def harness(engine: Engine, tmp_path: Path) -> AsyncIterator[BotHarness]:
    """The whole bot on the sandbox, with the embedded authority behind it."""
    async with open_online_harness(engine, tmp_path) as ready:
        yield ready


@pytest.fixture
def office(harness: BotHarness, tmp_path: Path) -> Office:
    """The counter of the authority."""
    return Office.open_for(harness, tmp_path)


@pytest.fixture
async def bridge_harness(harness: BotHarness, office: Office) -> AsyncIterator[BridgeHarness]:
    """The bot with its bridge server."""
    async with open_bridge_harness(harness, office) as ready:
        yield ready
