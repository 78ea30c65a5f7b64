"""What the tests of conversations with the embedded authority may ask for."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sandbox.engine import Engine
from tests.chat import Stage
from tests.handlers.conversations.online.bridge_stage import CardStage, opened
from tests.handlers.conversations.online.cardholders import NOW, Office, at
from tests.handlers.conversations.online.leak_detection import Traces, looked_for


@pytest.fixture(autouse=True)
def traces(engine: Engine, tmp_path: Path) -> Iterator[Traces]:
    """What is secret is nowhere once a test is over and its bot stopped."""
    with looked_for(engine, tmp_path) as traces:
        yield traces
    assert traces.found() == []


@pytest.fixture
async def stage(engine: Engine, tmp_path: Path) -> AsyncIterator[Stage]:
    """The whole bot on the sandbox, with the embedded authority behind it."""
    async with Stage.set_up(engine, tmp_path, "embedded") as ready:
        at(ready, NOW)
        yield ready


@pytest.fixture
def office(stage: Stage, tmp_path: Path) -> Office:
    """The counter of the authority."""
    return Office.beside(stage, tmp_path)


@pytest.fixture
async def cards(stage: Stage, office: Office) -> AsyncIterator[CardStage]:
    """The bot with its bridge."""
    async with opened(stage, office) as ready:
        yield ready
