"""Puts `jcecard` into the first reader of a reader room."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.reader_bridge.card.reader_room import ReaderRoom


@contextmanager
def put_in(room: ReaderRoom, directory: Path) -> Iterator[None]:
    """Have the card in, with the key, certificate and serial that are in `directory`."""
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
