"""Programs that tests start heed Ctrl-C, also where the tests were started ignoring it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.interrupts import heeded_by_children

HEEDS = "import signal, sys; sys.exit(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"


def a_program_heeds() -> bool:
    return subprocess.run([sys.executable, "-c", HEEDS], check=False).returncode == 0


@pytest.fixture
def ignoring() -> Iterator[None]:
    """Ignore Ctrl-C, as whatever a script has in the background does."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


def test_every_program_that_a_test_starts_heeds_it() -> None:
    assert a_program_heeds()


@pytest.mark.usefixtures("ignoring")
def test_who_ignores_it_starts_programs_that_heed_it() -> None:
    assert not a_program_heeds()
    with heeded_by_children():
        assert a_program_heeds()
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_who_heeds_it_goes_on_to() -> None:
    before = signal.getsignal(signal.SIGINT)
    with heeded_by_children():
        assert signal.getsignal(signal.SIGINT) is before
