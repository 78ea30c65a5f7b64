"""What the tests of the app share: a home of its own, a card file, a server to speak with."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from reader_bridge.app.options import PASSPHRASE
from tests.reader_bridge.app.at_terminal import PersonAtTerminal
from tests.reader_bridge.card.issuer import PASSPHRASE as ISSUED_UNDER
from tests.reader_bridge.card.issuer import Issuer
from tests.reader_bridge.counterpart import Counterpart, listening

PIN, NEW_PIN = "first123", "second45"
SitDown = Callable[..., PersonAtTerminal]


@pytest.fixture
async def server() -> AsyncIterator[Counterpart]:
    """A server that does what the test says."""
    async with listening() as counterpart:
        yield counterpart


@pytest.fixture
def card_file(issuer: Issuer, tmp_path: Path) -> Path:
    """A virtual card with the PIN `first123`, in its file."""
    path = tmp_path / "card.json"
    issuer.issue(path, PIN.encode()).close()
    return path


@pytest.fixture
def sit_down(tmp_path: Path) -> Iterator[SitDown]:
    """Let a person start `kaika-bridge` at a terminal of their own."""
    with ExitStack() as stack:

        def start(*arguments: str | Path, **environment: str) -> PersonAtTerminal:
            words = [str(argument) for argument in arguments]
            if "--virtual-card" in words:
                environment.setdefault(PASSPHRASE, ISSUED_UNDER)
            return stack.enter_context(PersonAtTerminal(tmp_path, *words, **environment))

        yield start


@pytest.fixture(scope="session")
def application() -> QApplication:
    """The toolkit, painting into memory."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    running = QApplication.instance()
    return running if isinstance(running, QApplication) else QApplication([])


@pytest.fixture
def person(server: Counterpart, sit_down: SitDown, card_file: Path) -> PersonAtTerminal:
    """A person who has started the app, with the virtual card in it."""
    return sit_down("--server", server.url, "--virtual-card", card_file)
