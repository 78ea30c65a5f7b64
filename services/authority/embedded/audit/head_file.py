"""The head of the audit chain, kept in a file beside the database.

Two slots are written in turn, each with its own MAC, so that a write cut short leaves the other.
The file is written after the commit: a crash in between leaves it behind by what was just
committed, which is no defect; a chain that is shorter than the file says was cut off.
"""

import hmac
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl

_SLOT = 128
_NUMBER, _MAC, _SEAL = slice(0, 8), slice(8, 40), slice(40, 72)


@dataclass(frozen=True, order=True)
class AuditHead:
    """The last entry that is known to be committed."""

    number: int
    mac: bytes


class AuditHeadFile:
    """Reads and writes the head."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._path = path
        self._key = key

    def read(self) -> AuditHead | None:
        """Return the head; `None` where the file is missing or holds none."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        slots = (content[:_SLOT], content[_SLOT:])
        return max((head for slot in slots if (head := self._parse(slot))), default=None)

    def advance(self, head: AuditHead) -> None:
        """Advance the head, unless it is further already. A missing file stays missing.

        :raises OSError: when it cannot be written.
        """
        if not self._path.exists():
            return
        with self._open_locked() as file:
            known = self.read()
            if known is None or known.number < head.number:
                self._write(file, head)

    def replace(self, head: AuditHead) -> None:
        """Start over at `head`: on the first start, or when an operator accepts a restored backup.

        :raises OSError: when it cannot be written.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._open_locked() as file:
            file.truncate(0)
            self._write(file, head)

    def _write(self, file: BinaryIO, head: AuditHead) -> None:
        data = head.number.to_bytes(8, "big") + head.mac
        file.seek(head.number % 2 * _SLOT)
        file.write((data + self._seal(data)).ljust(_SLOT, b"\0"))
        file.flush()
        os.fsync(file.fileno())

    def _parse(self, slot: bytes) -> AuditHead | None:
        data = slot[:40]
        if len(slot) < 72 or not hmac.compare_digest(slot[_SEAL], self._seal(data)):
            return None
        return AuditHead(int.from_bytes(slot[_NUMBER], "big"), slot[_MAC])

    def _seal(self, data: bytes) -> bytes:
        return hmac.digest(self._key, b"head" + data, "sha256")

    @contextmanager
    def _open_locked(self) -> Iterator[BinaryIO]:
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(handle, "r+b") as file:
            if sys.platform != "win32":
                fcntl.flock(file, fcntl.LOCK_EX)
            yield file
