"""One line typed at a terminal, with stars in place of what must not be seen."""

from collections.abc import Callable
from enum import Enum, auto

from reader_bridge.app.terminal.keyboard import ESCAPE, Keys, next_key
from reader_bridge.app.typing_buffer import Typed

ENTER, BACKSPACE, CLEAR, GIVE_UP = b"\r\n", b"\x08\x7f", b"\x15", bytes((0x04, ESCAPE))
STAR = "*"
"""A dot may take two places on a terminal set to Chinese, and is not erased whole then."""
BACK = "\b \b"


class Ended(Enum):
    """How a line ended."""

    ENTERED = auto()
    GIVEN_UP = auto()


class Line:
    """A line while it is typed."""

    def __init__(self, write: Callable[[str], None], typed: Typed, *, hidden: bool) -> None:
        self._write, self._typed, self._hidden = write, typed, hidden

    async def read(self, keys: Keys) -> Ended:
        """Read keys until the line ends. What was typed stays the caller's to overwrite."""
        while True:
            key = await next_key(keys)
            if key in ENTER:
                self._write("\n")
                return Ended.ENTERED
            if key in GIVE_UP:
                self._write("\n")
                return Ended.GIVEN_UP
            self._edit(key)

    def _edit(self, key: int) -> None:
        if key in BACKSPACE:
            if self._typed.take_back():
                self._write(BACK)
        elif key in CLEAR:
            while self._typed.take_back():
                self._write(BACK)
        elif self._typed.append(key):
            self._write(STAR if self._hidden else chr(key))
