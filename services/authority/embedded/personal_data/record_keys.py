"""The record key file: one key for each subscriber code that can still be recovered.

It lies outside the database and outside its backups. Every record is 64 bytes: id (16), key (32),
moment it was made (8, seconds), unused (8). Destroying a record overwrites it in place with
zeros, flushed to the disk, so that no copy of the database can be decrypted. (A disk that
writes elsewhere than it is told, such as a flash disk, may keep old blocks until it reuses them.)
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from services.storage import private_files

if sys.platform != "win32":
    import fcntl

_RECORD = 64
_ID, _KEY, _TIME = slice(0, 16), slice(16, 48), slice(48, 56)
_EMPTY = bytes(_RECORD)


@dataclass(frozen=True)
class RecordId:
    """Id of a record, and when it was created."""

    id: bytes
    made_at: datetime


class RecordKeyFile:
    """The keys by id. Every call opens the file, so that nothing stays in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, now: datetime) -> tuple[bytes, bytes]:
        """Create a record; return its id and key. It is on the disk when this returns."""
        record_id, key = os.urandom(16), os.urandom(32)
        stamp = int(now.timestamp()).to_bytes(8, "big")
        with self._open_locked() as file:
            file.seek(_free_offset(file.read()))
            file.write(record_id + key + stamp + bytes(8))
            _flush(file)
        return record_id, key

    def find(self, record_id: bytes) -> bytes | None:
        """Return the key of a record; `None` once it is destroyed."""
        with self._open_locked() as file:
            content = file.read()
        offset = _find(content, record_id)
        return None if offset is None else content[offset : offset + _RECORD][_KEY]

    def destroy(self, record_id: bytes) -> bool:
        """Overwrite a record with zeros; `False` where there is none."""
        with self._open_locked() as file:
            offset = _find(file.read(), record_id)
            if offset is None:
                return False
            file.seek(offset)
            file.write(_EMPTY)
            _flush(file)
        return True

    def list_records(self) -> list[RecordId]:
        """Return every record."""
        with self._open_locked() as file:
            content = file.read()
        return [
            RecordId(record[_ID], datetime.fromtimestamp(int.from_bytes(record[_TIME]), UTC))
            for record in _split(content)
            if record != _EMPTY
        ]

    @contextmanager
    def _open_locked(self) -> Iterator[BinaryIO]:
        """Open the file under an exclusive lock, also against other processes."""
        private_files.make_folder(self._path.parent)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(handle, "r+b") as file:
            if sys.platform != "win32":
                fcntl.flock(file, fcntl.LOCK_EX)
            yield file


def _split(content: bytes) -> Iterator[bytes]:
    for offset in range(0, len(content) - _RECORD + 1, _RECORD):
        yield content[offset : offset + _RECORD]


def _find(content: bytes, record_id: bytes) -> int | None:
    for index, record in enumerate(_split(content)):
        if record[_ID] == record_id and record != _EMPTY:
            return index * _RECORD
    return None


def _free_offset(content: bytes) -> int:
    """Return the offset of the first empty record; one that a crash cut short counts as empty."""
    whole = len(content) // _RECORD * _RECORD
    for index, record in enumerate(_split(content)):
        if record == _EMPTY:
            return index * _RECORD
    return whole


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
