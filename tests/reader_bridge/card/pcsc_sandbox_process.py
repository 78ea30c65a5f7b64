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
CONFIGURATION = f"""
FRIENDLYNAME "Kaika Test"
DEVICENAME   /dev/null:{PORT}
LIBPATH      /usr/lib/pcsc/drivers/serial/libifdvpcd.so
CHANNELID    {PORT}
"""


class SandboxProcess:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._pcscd: subprocess.Popen[str] | None = None

    def prepare(self) -> None:
        configuration = self._directory / "reader.conf.d"
        configuration.mkdir()
        (configuration / "reader").write_text(CONFIGURATION)
        Path("/run/pcscd").mkdir(exist_ok=True)
        subprocess.run(["mount", "--bind", self._directory / "run", "/run/pcscd"], check=True)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)

    def start(self) -> bytes:
        configuration = str(self._directory / "reader.conf.d")
        command = ["pcscd", "--foreground", "--info", "--config", configuration]
        self._pcscd = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._pcscd.stdout is not None
        for line in self._pcscd.stdout:
            if "daemon ready" in line:
                threading.Thread(target=_drain, args=[self._pcscd.stdout], daemon=True).start()
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


def _drain(output: IO[str]) -> None:
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
