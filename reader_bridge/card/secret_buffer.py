"""The buffer for a PIN: prints as dots, is overwritten after use, and is never pickled."""

from types import TracebackType
from typing import NoReturn, Self


def wipe(buffer: bytearray) -> None:
    """Overwrite a buffer in place; its length stays, so that no copy is made."""
    buffer[:] = bytes(len(buffer))


class SecretBuffer(bytearray):
    """A PIN, PUK or key. A context manager that overwrites it at the end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.wipe()

    def wipe(self) -> None:
        """Overwrite the value."""
        wipe(self)

    def __repr__(self) -> str:
        return "•••"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not written out")
