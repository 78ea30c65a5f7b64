"""A person at a real pseudo-terminal, with `kaika-bridge` running in it."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Self

from tests.patience import PATIENCE

COLUMNS, ROWS = 160, 50
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b\][^\x07]*\x07|\x1b[()].")


class TerminalUser:
    """Types and reads as a person does; whatever was ever on the screen is in `everything`."""

    def __init__(self, home: Path, *arguments: str, **environment: str) -> None:
        self._master, slave = pty.openpty()
        self._slave = slave
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "reader_bridge.app", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=clean_environment(home, **environment),
            preexec_fn=_own_terminal,
        )
        self.raw = b""
        self._seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)
        os.close(self._slave)

    @property
    def everything(self) -> str:
        """All that was ever on the screen, without colours."""
        return _CONTROL.sub("", self.raw.decode(errors="replace"))

    @property
    def echoes(self) -> bool:
        """Whether the terminal itself shows what is typed."""
        return bool(termios.tcgetattr(self._slave)[3] & termios.ECHO)

    def sees(self, *texts: str) -> None:
        """Wait until the texts stand on the screen, one after the other, below what was seen."""
        for text in texts:
            deadline = time.monotonic() + PATIENCE
            while (found := _flat(self.everything).find(_flat(text), self._seen)) < 0:
                if not self._read(deadline):
                    raise AssertionError(f"{text!r} never came:\n{self.everything}")
            self._seen = found + len(_flat(text))

    def types(self, text: str) -> None:
        """Type a line and press Enter."""
        self.presses(text + "\r")

    def presses(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def interrupts(self) -> None:
        """Press Ctrl-C."""
        self.presses("\x03")

    def signals(self, number: signal.Signals) -> None:
        """Send a signal, as a closing window or a shutdown does."""
        self.process.send_signal(number)

    def ends(self) -> int:
        """Wait until the program ends; return its exit status."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            self._read(min(deadline, time.monotonic() + 0.1))
            if time.monotonic() > deadline:
                raise AssertionError(f"it does not end:\n{self.everything}")
        self._read(time.monotonic())
        return self.process.returncode

    def _read(self, deadline: float) -> bool:
        left = max(0.0, deadline - time.monotonic())
        if not select.select([self._master], [], [], left)[0]:
            return False
        self.raw += os.read(self._master, 65536)
        return True


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """An environment of nobody in particular, with a home of its own."""
    kept = {
        name: os.environ[name] for name in ("PATH", "PCSCLITE_CSOCK_NAME") if name in os.environ
    }
    base = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "TERM": "xterm-256color",
        "LANG": "en_US.UTF-8",
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "PYTHONWARNINGS": "error",
    }
    return {**kept, **base, **more}


def _flat(text: str) -> str:
    """Leave out what depends on the width of the screen."""
    return "".join(text.split())


def _own_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
