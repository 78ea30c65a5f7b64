"""What every test of the whole bridge may ask for."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sandbox.engine import Engine
from tests.chat import Stage
from tests.handlers.clock import NOW, set_time
from tests.handlers.conversations.online.cardholders import Office
from tests.reader_bridge.end_to_end.whole import Whole, whole_bridge
from tests.services.authority.world import fast_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the bot and the cards keep their files; in memory, where that is possible."""
    with tempfile.TemporaryDirectory(prefix="kaika-whole-", dir=fast_folder()) as name:
        yield Path(name)


@pytest.fixture
async def whole(engine: Engine, folder: Path) -> AsyncIterator[Whole]:
    """The whole bot on the sandbox with its bridge, behind a wire that can break."""
    async with Stage.set_up(engine, folder, "embedded") as stage:
        set_time(stage, NOW)
        async with whole_bridge(stage, Office.open_for(stage, folder)) as ready:
            yield ready
