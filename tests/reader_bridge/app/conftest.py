"""Fixtures of the app's tests: a home directory, a card file, and a server."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

import locales
from reader_bridge.app.options import PASSPHRASE
from tests.reader_bridge.app.terminal_user import TerminalUser
from tests.reader_bridge.app.window_harness import WindowHarness
from tests.reader_bridge.card.card_issuer import PASSPHRASE as ISSUED_UNDER
from tests.reader_bridge.card.card_issuer import CardTestAuthority
from tests.reader_bridge.scripted_server import ScriptedServer, run_scripted_server

PIN, NEW_PIN = "first123", "second45"
StartTerminalUser = Callable[..., TerminalUser]


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    """A server that does what the test says."""
    async with run_scripted_server() as counterpart:
        yield counterpart


@pytest.fixture
def card_file(issuer: CardTestAuthority, tmp_path: Path) -> Path:
    """A virtual card with the PIN `first123`, in its file."""
    path = tmp_path / "card.json"
    issuer.issue(path, PIN.encode()).close()
    return path


@pytest.fixture
def start_user(tmp_path: Path) -> Iterator[StartTerminalUser]:
    """Let a user start `kaika-bridge` at a terminal."""
    with ExitStack() as stack:

        def start(*arguments: str | Path, **environment: str) -> TerminalUser:
            words = [str(argument) for argument in arguments]
            if "--virtual-card" in words:
                environment.setdefault(PASSPHRASE, ISSUED_UNDER)
            return stack.enter_context(TerminalUser(tmp_path, *words, **environment))

        yield start


@pytest.fixture(scope="session")
def application() -> QApplication:
    """The Qt application, painting into memory."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    running = QApplication.instance()
    return running if isinstance(running, QApplication) else QApplication([])


@pytest.fixture
def person(server: ScriptedServer, start_user: StartTerminalUser, card_file: Path) -> TerminalUser:
    """A user who has started the app with the virtual card."""
    return start_user("--server", server.url, "--virtual-card", card_file)


@pytest.fixture(params=locales.LANGUAGES)
def harness(request: pytest.FixtureRequest, application: QApplication) -> Iterator[WindowHarness]:
    """A window in each language."""
    harness = WindowHarness(request.param)
    yield harness
    harness.window.close()
