"""Runs inside the reader room: keeps pcscd, and reaches the virtual reader for those outside.

Ends, and pcscd with it, when the process that started it goes away.
"""

import json
import os
import select
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

PORT = 35_963
CONFIGURATION = b"""
FRIENDLYNAME "%%b"
DEVICENAME   /dev/null:%d
LIBPATH      /usr/lib/pcsc/drivers/serial/libifdvpcd.so
CHANNELID    %d
""" % (PORT, PORT)


class SandboxProcess:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._pcscd: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        configuration = self._directory / "reader.conf.d"
        configuration.mkdir()
        name = (self._directory / "name").read_bytes()
        (configuration / "reader").write_bytes(CONFIGURATION % name)
        Path("/run/pcscd").mkdir(exist_ok=True)
        subprocess.run(["mount", "--bind", self._directory / "run", "/run/pcscd"], check=True)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)

    def start(self) -> bytes:
        configuration = str(self._directory / "reader.conf.d")
        command = ["pcscd", "--foreground", "--info", "--config", configuration]
        self._pcscd = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._pcscd.stdout is not None
        for line in self._pcscd.stdout:
            if b"daemon ready" in line:
                threading.Thread(target=_drain, args=[self._pcscd.stdout], daemon=True).start()
                _wait_until_listening(self._directory / "run" / "pcscd.comm")
                return b"done"
        return b"pcscd ended"

    def stop(self) -> bytes:
        if self._pcscd is not None:
            self._pcscd.kill()
            self._pcscd.wait()
            (self._directory / "run" / "pcscd.comm").unlink(missing_ok=True)
        return b"done"

    def answer(self, door: socket.socket) -> None:
        request = json.loads(door.recv(100))
        if request["do"] == "connect":
            try:
                reader = socket.create_connection(("127.0.0.1", PORT + request["slot"]), timeout=5)
            except OSError:
                door.sendall(b"refused")
                return
            socket.send_fds(door, [b"done"], [reader.fileno()])
            reader.close()
        else:
            door.sendall(self.start() if request["do"] == "start" else self.stop())


def _wait_until_listening(path: Path) -> None:
    """Wait for the socket, which comes a moment after the service says that it is ready."""
    while True:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(path))
                return
            except OSError:
                threading.Event().wait(0.01)


def _drain(output: IO[bytes]) -> None:
    """Read on, so that the service never waits for somebody to listen."""
    for _ in output:
        pass


def main() -> None:
    directory = Path(sys.argv[1])
    room = SandboxProcess(directory)
    room.prepare()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(directory / "door"))
        listener.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        try:
            while True:
                ready, _, _ = select.select([listener, sys.stdin], [], [])
                if sys.stdin in ready and not os.read(sys.stdin.fileno(), 1):
                    return
                if listener in ready:
                    with listener.accept()[0] as door:
                        room.answer(door)
        finally:
            room.stop()


if __name__ == "__main__":
    main()
