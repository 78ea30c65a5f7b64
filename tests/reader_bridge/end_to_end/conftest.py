"""Fixtures of the end-to-end tests: the whole system, from the chat to the card."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sandbox.engine import Engine
from tests.bot_harness import BotHarness
from tests.handlers.clock import NOW, set_time
from tests.handlers.conversations.online.cardholders import Office
from tests.reader_bridge.end_to_end.whole_system import WholeSystem, run_whole_system
from tests.services.authority.authority_harness import fast_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    """The folder of the bot and the cards; in memory where that is possible."""
    with tempfile.TemporaryDirectory(prefix="kaika-system-", dir=fast_folder()) as name:
        yield Path(name)


@pytest.fixture
async def system(engine: Engine, folder: Path) -> AsyncIterator[WholeSystem]:
    """The bot on the sandbox with its bridge, behind a proxy that can drop frames."""
    async with BotHarness.start(engine, folder, "embedded") as harness:
        set_time(harness, NOW)
        async with run_whole_system(harness, Office.open_for(harness, folder)) as ready:
            yield ready
