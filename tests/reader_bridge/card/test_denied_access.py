"""The system's PC/SC library at a service that lets nobody in, as pcscd where polkit says no."""

import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reader_bridge.app.terminal_user import clean_environment

HEADER_BYTES = 8
"""Of a message of the library; its body comes separately."""


@pytest.fixture
def denying_service(tmp_path: Path) -> Iterator[Path]:
    """A service that closes every connection before it has read the first message."""
    path = tmp_path / "pcscd.comm"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def refuse_everybody() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    client.recv(HEADER_BYTES, socket.MSG_WAITALL)
                    select.select([client], [], [])

        thread = threading.Thread(target=refuse_everybody)
        thread.start()
        yield path
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize(
    ("language", "remedy"), [("en", "org.debian.pcsc-lite.access_pcsc"), ("zh-TW", "polkit")]
)
def test_the_check_says_how_to_get_access(
    denying_service: Path, tmp_path: Path, language: str, remedy: str
) -> None:
    environment = clean_environment(tmp_path, PCSCLITE_CSOCK_NAME=str(denying_service))
    done = subprocess.run(
        [sys.executable, "-m", "reader_bridge.app", "check", "--language", language],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.stderr == ""
    assert remedy in done.stdout
