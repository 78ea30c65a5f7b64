"""A real pcscd with a virtual reader, in a room of its own: no other run can meet it.

The service keeps its socket at a fixed place and its virtual reader listens on every address, so
both run in their own mount and network namespaces. The card reaches the reader through a helper
inside (`pcsc_sandbox_process.py`), which connects there and hands the connection out.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Self

INSIDE = Path(__file__).with_name("pcsc_sandbox_process.py")
READER = "Kaika Test 00 00"
SECOND_READER = "Kaika Test 00 01"


class PcscSandbox:
    """A running pcscd with two virtual readers.

    :param name: of both, in any encoding.
    """

    def __init__(self, directory: Path, name: bytes = b"Kaika Test") -> None:
        self.directory, self._name = directory, name
        self.socket_path = directory / "run" / "pcscd.comm"
        self._door = directory / "door"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        (self.directory / "run").mkdir()
        (self.directory / "name").write_bytes(self._name)
        rootless = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        self._process = subprocess.Popen(
            ["unshare", *rootless, "--mount", "--net", sys.executable, INSIDE, self.directory],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != b"ready\n":
            raise RuntimeError("no reader room; are pcscd, vsmartcard-vpcd and unshare there?")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.communicate(timeout=10)

    def start(self) -> None:
        """Start the service."""
        self._ask("start")

    def stop(self) -> None:
        """Kill the service, as a crash would."""
        self._ask("stop")

    def connect(self, slot: int = 0) -> socket.socket:
        """Return a connection to a virtual reader, as a card uses it."""
        with self._at_the_door() as door:
            door.sendall(json.dumps({"do": "connect", "slot": slot}).encode())
            _, handles, _, _ = socket.recv_fds(door, 100, 1)
        if not handles:
            raise ConnectionRefusedError("the reader service does not run")
        return socket.socket(fileno=handles[0])

    def _ask(self, what: str) -> None:
        with self._at_the_door() as door:
            door.sendall(json.dumps({"do": what}).encode())
            answer = door.recv(100)
        if answer != b"done":
            raise RuntimeError(f"could not {what} pcscd: {answer!r}")

    def _at_the_door(self) -> socket.socket:
        door = socket.socket(socket.AF_UNIX)
        try:
            door.connect(str(self._door))
        except OSError:
            door.close()
            raise
        return door
