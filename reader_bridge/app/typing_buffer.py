"""The buffer for text that is being typed, overwritten after use."""

from reader_bridge.card.profiles.base import PinRules
from reader_bridge.card.secret_buffer import SecretBuffer

MAX_LENGTH = 64
"""Far beyond every PIN: one that is too long has to be noticed, not cut to fit."""


class TypingBuffer:
    """Typed bytes in a buffer of fixed size, so that no copies are left behind.

    :ivar has_non_ascii: something other than ASCII was typed: an input method is switched on.
    """

    def __init__(self, max_length: int = MAX_LENGTH) -> None:
        self._buffer = SecretBuffer(max_length)
        self._count = 0
        self.has_non_ascii = False

    def __len__(self) -> int:
        return self._count

    def append(self, byte: int) -> bool:
        """Add a byte; `False` where it is not printable ASCII, or the buffer is full."""
        if not 0x20 <= byte <= 0x7E:
            self.has_non_ascii = self.has_non_ascii or byte >= 0x80
            return False
        if self._count == len(self._buffer):
            return False
        self._buffer[self._count] = byte
        self._count += 1
        return True

    def delete_last(self) -> bool:
        """Delete the last byte; `False` where there is none."""
        if not self._count:
            return False
        self._count -= 1
        self._buffer[self._count] = 0
        return True

    def fits(self, rules: PinRules, *, alphanumeric: bool) -> bool:
        """Whether this can be a PIN of the card, checked without a copy.

        :param alphanumeric: only letters and digits are allowed.
        """
        if not rules.min_length <= self._count <= rules.max_length:
            return False
        for index in range(self._count):
            byte = self._buffer[index]
            digit = 0x30 <= byte <= 0x39
            letter = 0x41 <= byte & 0xDF <= 0x5A
            if not (
                digit or (not rules.digits_only and (letter or not alphanumeric) and byte > 0x20)
            ):
                return False
        return True

    def equals(self, other: "TypingBuffer") -> bool:
        """Whether both buffers hold the same, compared without a copy."""
        return self._count == other._count and self._buffer == other._buffer

    def clear(self) -> None:
        """Overwrite everything."""
        self._buffer.wipe()
        self._count, self.has_non_ascii = 0, False

    def take(self) -> SecretBuffer:
        """Return the content in a buffer of its length, and overwrite it here."""
        with memoryview(self._buffer) as view:
            taken = SecretBuffer(view[: self._count])
        self.clear()
        return taken
