"""Reading and atomically changing the key file."""

import json
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from services.storage import private_files

if sys.platform != "win32":
    import fcntl

KEY_BYTES = 32


class KeyFileError(Exception):
    """The key file cannot be used.

    :ivar reason: what is wrong with it.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"key file {path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, repr=False)
class KeyFileContent:
    """Contents of the key file.

    :ivar keys: sealing keys by id.
    :ivar current: id of the key that seals.
    :ivar secrets: one per `SecretPurpose`.
    """

    keys: Mapping[str, bytes]
    current: str
    secrets: Mapping[str, bytes]

    @classmethod
    def generate(cls, purposes: Iterable[str]) -> Self:
        """Generate a new key and secrets."""
        empty = cls({"k1": os.urandom(KEY_BYTES)}, "k1", {})
        return empty.with_secrets(purposes)

    def with_secrets(self, purposes: Iterable[str]) -> Self:
        """Return the content with a new secret for each purpose that lacks one."""
        new = {str(p): os.urandom(KEY_BYTES) for p in purposes if p not in self.secrets}
        return replace(self, secrets={**self.secrets, **new})

    def with_key(self, key: bytes) -> Self:
        """Return the content with one more sealing key, which becomes the current one."""
        numbers = [int(i[1:]) for i in self.keys if i[:1] == "k" and i[1:].isdigit()]
        key_id = f"k{max(numbers, default=0) + 1}"
        return replace(self, keys={**self.keys, key_id: key}, current=key_id)

    def without_keys(self, ids: Collection[str]) -> Self:
        """Return the content without some sealing keys; the current one always stays."""
        remaining = {i: k for i, k in self.keys.items() if i == self.current or i not in ids}
        return replace(self, keys=remaining)

    def to_json(self) -> str:
        """Serialise the content."""
        hexed = {name: value.hex() for name, value in self.keys.items()}
        secrets = {name: value.hex() for name, value in self.secrets.items()}
        return json.dumps({"current": self.current, "keys": hexed, "secrets": secrets})


def create_key_file(path: Path, content: KeyFileContent) -> None:
    """Write a new key file, unless another process has created one meanwhile.

    :raises KeyFileError: when it cannot be written.
    """
    try:
        private_files.create_private_file(path, content.to_json())
    except OSError as error:
        raise KeyFileError(path, error.strerror or "cannot be written") from error


def read(path: Path) -> KeyFileContent:
    """Read the key file.

    :raises KeyFileError: for a file that is unreadable, malformed or readable by others.
    """
    try:
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise KeyFileError(path, f"others can read it; run: chmod 600 {path}")
        return _parse(json.loads(path.read_text()))
    except OSError as error:
        raise KeyFileError(path, error.strerror or "cannot be read") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        raise KeyFileError(path, "it is not a key file; restore it from your backup") from None


def change(path: Path, edit: Callable[[KeyFileContent], KeyFileContent]) -> KeyFileContent:
    """Replace the content by what `edit` returns for it, one process at a time.

    :raises KeyFileError: when it cannot be read or written.
    """
    try:
        with _lock_file(path):
            content = edit(read(path))
            private_files.replace(path, content.to_json())
            return content
    except OSError as error:
        raise KeyFileError(path, error.strerror or "cannot be written") from error


def _parse(content: Any) -> KeyFileContent:
    keys = {str(key_id): bytes.fromhex(key) for key_id, key in content["keys"].items()}
    secrets = {str(n): bytes.fromhex(s) for n, s in content.get("secrets", {}).items()}
    if content["current"] not in keys:
        raise ValueError
    if any(len(key) != KEY_BYTES for key in (*keys.values(), *secrets.values())):
        raise ValueError
    return KeyFileContent(keys, content["current"], secrets)


@contextmanager
def _lock_file(path: Path) -> Iterator[None]:
    """Lock the file against other processes; on Windows there is no lock."""
    if sys.platform == "win32":
        yield
        return
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
