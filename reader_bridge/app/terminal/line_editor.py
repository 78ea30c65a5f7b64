"""A line typed at a terminal, with stars in place of secrets."""

from collections.abc import Callable
from enum import Enum, auto

from reader_bridge.app.terminal.keyboard import ESCAPE, KeySource, next_key
from reader_bridge.app.typing_buffer import TypingBuffer

ENTER, BACKSPACE, CLEAR, GIVE_UP = b"\r\n", b"\x08\x7f", b"\x15", bytes((0x04, ESCAPE))
STAR = "*"
"""A dot may take two columns on a Chinese terminal, and would not be erased completely."""
ERASE = "\b \b"


class LineEnd(Enum):
    """How a line ended."""

    ENTERED = auto()
    GIVEN_UP = auto()


class LineEditor:
    """Reads and edits one line."""

    def __init__(self, write: Callable[[str], None], typed: TypingBuffer, *, hidden: bool) -> None:
        self._write, self._typed, self._hidden = write, typed, hidden

    async def read(self, keys: KeySource) -> LineEnd:
        """Read keys until the line ends. The caller owns the buffer and overwrites it."""
        while True:
            key = await next_key(keys)
            if key in ENTER:
                self._write("\n")
                return LineEnd.ENTERED
            if key in GIVE_UP:
                self._write("\n")
                return LineEnd.GIVEN_UP
            self._edit(key)

    def _edit(self, key: int) -> None:
        if key in BACKSPACE:
            if self._typed.delete_last():
                self._write(ERASE)
        elif key in CLEAR:
            while self._typed.delete_last():
                self._write(ERASE)
        elif self._typed.append(key):
            self._write(STAR if self._hidden else chr(key))
