"""The keyboard of a terminal, read one byte at a time and never echoed.

Echo is off for the whole session, so that nothing typed too early appears. A line is never one
object: single bytes are shared by the interpreter, so a PIN exists only in the buffer it is put in.
"""

import asyncio
import contextlib
import os
import sys
from typing import Any, Protocol, Self

from reader_bridge.app.startup_errors import TerminalMissingError

ESCAPE = 0x1B
SEQUENCE_SECONDS = 0.05
"""What follows an escape this soon belongs to it: an arrow key, not the Escape key."""
POLL_SECONDS = 0.02


class KeySource(Protocol):
    """A source of keys."""

    async def next_byte(self) -> int:
        """Wait for the next byte.

        :raises EOFError: the input has ended.
        """

    def discard_pending(self) -> None:
        """Discard what was typed before anything was asked."""


async def next_key(keys: KeySource) -> int:
    """Return the next key. Arrow and function keys, which are several bytes, are skipped."""
    while True:
        key = await keys.next_byte()
        if key != ESCAPE:
            return key
        try:
            async with asyncio.timeout(SEQUENCE_SECONDS):
                introducer = await keys.next_byte()
        except TimeoutError:
            return ESCAPE
        if introducer in b"[O":
            while not 0x40 <= await keys.next_byte() <= 0x7E:
                pass


if sys.platform == "win32":
    import msvcrt

    class TerminalKeyboard:
        """The keyboard of a Windows console."""

        def __enter__(self) -> Self:
            if not sys.stdin.isatty():
                raise TerminalMissingError
            return self

        def __exit__(self, *_: object) -> None:
            self.discard_pending()

        async def next_byte(self) -> int:
            """Wait for the next byte; a character outside of ASCII comes as 0x80."""
            while not msvcrt.kbhit():  # noqa: ASYNC110 - a console tells nobody of its keys
                await asyncio.sleep(POLL_SECONDS)
            key = msvcrt.getwch()
            if key in "\x00\xe0":
                msvcrt.getwch()
                return 0
            if key == "\x03":
                raise KeyboardInterrupt
            return ord(key) if key.isascii() else 0x80

        def discard_pending(self) -> None:
            """Discard what was typed before anything was asked."""
            while msvcrt.kbhit():
                msvcrt.getwch()

else:
    import termios

    class TerminalKeyboard:
        """The keyboard of a POSIX terminal."""

        def __init__(self, handle: int = 0) -> None:
            self._handle = handle
            self._before: list[Any] = []

        def __enter__(self) -> Self:
            try:
                self._before = termios.tcgetattr(self._handle)
            except termios.error as error:
                raise TerminalMissingError from error
            mode = termios.tcgetattr(self._handle)
            mode[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
            mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
            mode[6][termios.VSUSP] = os.fpathconf(self._handle, "PC_VDISABLE").to_bytes(1, "big")
            termios.tcsetattr(self._handle, termios.TCSAFLUSH, mode)
            return self

        def __exit__(self, *_: object) -> None:
            with contextlib.suppress(termios.error):  # the terminal itself may be gone
                termios.tcsetattr(self._handle, termios.TCSAFLUSH, self._before)

        async def next_byte(self) -> int:
            """Wait for the next byte."""
            loop = asyncio.get_running_loop()
            typed: asyncio.Future[int] = loop.create_future()
            loop.add_reader(self._handle, self._read_into, typed)
            try:
                return await typed
            finally:
                loop.remove_reader(self._handle)

        def discard_pending(self) -> None:
            """Forget what was typed before anybody asked."""
            with contextlib.suppress(termios.error):
                termios.tcflush(self._handle, termios.TCIFLUSH)

        def _read_into(self, typed: asyncio.Future[int]) -> None:
            if typed.done():
                return
            try:
                one = os.read(self._handle, 1)
            except OSError:
                one = b""
            if one:
                typed.set_result(one[0])
            else:
                typed.set_exception(EOFError())
