"""Puts `jcecard` into the first reader of a PC/SC sandbox."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.reader_bridge.card.pcsc_sandbox import PcscSandbox


@contextmanager
def insert_jcecard(room: PcscSandbox, directory: Path) -> Iterator[None]:
    """Keep the card in, with the key, certificate and serial from `directory`."""
    with room.connect() as line:
        host = [sys.executable, "-m", "tests.reader_bridge.card.jcecard_host"]
        process = subprocess.Popen(
            [*host, str(line.fileno()), str(directory)],
            stdin=subprocess.PIPE,
            pass_fds=[line.fileno()],
        )
    try:
        yield
    finally:
        process.communicate(timeout=10)
