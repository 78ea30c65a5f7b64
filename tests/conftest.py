"""What every test may ask for."""

import logging
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from bot.settings import Settings
from sandbox.engine import Engine
from tests.bot_harness import TOKEN, BotHarness
from tests.first_start import migrate, place_database
from tests.installed_package import build
from tests.interrupts import heeded_by_children
from tests.services.authority.postgres import TEST_DATABASE, PostgresServer

_PRINTED = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
)

_LONGEST = (
    "bot/test_kill_cardholders.py",
    "bot/test_kill_customers.py",
    "bot/test_two_processes.py",
    "handlers/conversations/online/test_interruptions.py",
    "handlers/conversations/online/test_interruptions_with_pc.py",
    "reader_bridge/app/test_clean_install.py",
    "sandbox/page/test_answers_fit.py",
    "services/authority/test_random_histories.py",
)
"""The files that take longest, which come first, so that no core waits for the other in the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move the longest files to the front; else the order stays as it is."""
    longest = {Path(__file__).parent / name for name in _LONGEST}
    assert all(path.is_file() for path in longest), "one of the longest files has another name"
    items.sort(key=lambda item: item.path not in longest)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the seed of the order, which a quiet run leaves out."""
    seed = config.getoption("randomly_seed", None)
    if isinstance(seed, int):
        terminalreporter.write_line(f"the same order again: --randomly-seed={seed}")


@pytest.fixture(scope="session", autouse=True)
def _programs_heed_interrupts() -> Iterator[None]:
    """Let Ctrl-C end the programs that tests start, also where the tests ignore it."""
    with heeded_by_children():
        yield


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Undo what a test configures; and print tracebacks without locals, which takes seconds."""
    root, raises = logging.getLogger(), logging.raiseExceptions
    before = root.handlers[:], root.level
    structlog.configure(processors=[*_PRINTED], cache_logger_on_first_use=False)
    yield
    root.handlers[:], root.level = before
    logging.raiseExceptions = raises
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let no test see the settings of whoever runs it."""
    for name in [name for name in os.environ if name.startswith("KAIKA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setitem(Settings.model_config, "env_file", str(tmp_path / ".env"))


@pytest.fixture(autouse=True)
def _nothing_taken_up_again_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a bot in this process look only at its start for updates that were left undone."""
    monkeypatch.setattr("bot.app._SWEEP_SECONDS", 3600.0)


@pytest.fixture
def engine() -> Engine:
    """A sandbox of its own."""
    return Engine(TOKEN)


@pytest.fixture
async def harness(engine: Engine, tmp_path: Path) -> AsyncIterator[BotHarness]:
    """The whole bot on the sandbox, in this process."""
    async with BotHarness.start(engine, tmp_path) as ready:
        yield ready


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database of the newest revision."""
    path = tmp_path_factory.mktemp("migrated") / "kaika.db"
    place_database(path)
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server with one migrated database, `TEST_DATABASE`."""
    server = PostgresServer()
    try:
        migrate(server.create(TEST_DATABASE))
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as a wheel."""
    return build(tmp_path_factory.mktemp("wheel"))
