"""Encryption at rest: AES-256-GCM under keys that live in a file outside the database.

A sealed value is ``key id (1 byte length + text) ‖ nonce (12 bytes) ‖ ciphertext and tag``; the
place it belongs to (table, row, column) is authenticated with it, so that a value moved to
another place does not open. The sealing keys are rotated: the newest seals, the others open what
is older. Beside them the file holds one secret for each `Purpose`, which are never rotated.
"""

import hmac
import os
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.storage import key_file
from services.storage.key_file import KEY_BYTES, KeyFileError

__all__ = [
    "KeyFileError",
    "KeyRing",
    "Purpose",
    "UnsealError",
    "add_key",
    "drop_keys",
    "load_or_create",
]
_NONCE_BYTES = 12


class Purpose(StrEnum):
    """What a secret of the key file is for; each is used for nothing else."""

    LOOKUP = "lookup"
    """Finds a sealed UI No. again."""
    PEPPER = "pepper"
    """Goes into every subscriber code's verifier."""
    ONE_TIME = "one_time"
    """One-time codes are derived from it, so that none is stored."""
    AUDIT = "audit"
    """Chains the audit entries."""
    CARD_MASTER = "card_master"
    """The admin key of every card is derived from it."""


class UnsealError(Exception):
    """A stored value cannot be opened: its key is lost, or it was changed or moved.

    :ivar key_id: the key it asks for, empty where the value is not one of ours.
    """

    def __init__(self, key_id: str) -> None:
        super().__init__(f"a stored value cannot be opened with key {key_id!r}")
        self.key_id = key_id


class KeyRing:
    """The keys, the newest of which seals."""

    def __init__(
        self,
        keys: Mapping[str, bytes],
        current: str,
        secrets: Mapping[str, bytes] | None = None,
        path: Path | None = None,
        *,
        is_new: bool = False,
    ) -> None:
        self._path = path
        self._is_new = is_new
        self._secrets = dict(secrets or {})
        self._take(keys, current)

    def _take(self, keys: Mapping[str, bytes], current: str) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self.current = current
        self._head = bytes([len(current)]) + current.encode()

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._ciphers)}: •••)"

    def give_up(self) -> None:
        """Take a key file away again that was made a moment ago, and is not the one needed."""
        if self._is_new and self._path is not None:
            self._path.unlink(missing_ok=True)

    @property
    def ids(self) -> frozenset[str]:
        """The keys on the ring."""
        return frozenset(self._ciphers)

    def secret(self, purpose: Purpose) -> bytes:
        """Give the secret for `purpose`.

        :raises KeyFileError: when the ring was made without it.
        """
        try:
            return self._secrets[purpose]
        except KeyError:
            raise KeyFileError(self._path or Path(), f"its secret {purpose} is missing") from None

    def keyed_hash(self, purpose: Purpose, *parts: str) -> bytes:
        """Give the HMAC-SHA256 of `parts` under the secret for `purpose`."""
        text = "\x1f".join(parts).encode()
        return hmac.digest(self.secret(purpose), text, "sha256")

    def seal(self, plain: bytes, place: str) -> bytes:
        """Encrypt `plain` for `place`."""
        nonce = os.urandom(_NONCE_BYTES)
        cipher = self._ciphers[self.current]
        return self._head + nonce + cipher.encrypt(nonce, plain, place.encode())

    def unseal(self, sealed: bytes, place: str) -> bytes:
        """Decrypt what was sealed for `place`.

        :raises UnsealError: when the key is not on the ring or the value was tampered with.
        """
        key_id, rest = _split(sealed)
        cipher = self._cipher(key_id)
        nonce, body = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
        if cipher is None or len(nonce) != _NONCE_BYTES:
            raise UnsealError(key_id)
        try:
            return cipher.decrypt(nonce, body, place.encode())
        except InvalidTag:
            raise UnsealError(key_id) from None

    def _cipher(self, key_id: str) -> AESGCM | None:
        """Find a key; one that another process added meanwhile is read from the file."""
        if key_id not in self._ciphers and self._path is not None:
            content = key_file.read(self._path)
            self._take(content.keys, content.current)
        return self._ciphers.get(key_id)


def key_id_of(sealed: bytes) -> str:
    """Give the id of the key that a sealed value asks for."""
    return _split(sealed)[0]


def _split(sealed: bytes) -> tuple[str, bytes]:
    size = sealed[0] if sealed else 0
    return sealed[1 : 1 + size].decode(errors="replace"), sealed[1 + size :]


def load_or_create(path: Path) -> KeyRing:
    """Read the key file, creating it with new keys (mode 600) where there is none.

    A file from before some purpose existed gets a secret for it.

    :raises KeyFileError: for a file that is unreadable, malformed or readable by others.
    """
    is_new = not path.exists()
    if is_new:
        key_file.create(path, key_file.KeyFileContent.fresh(Purpose))
    content = key_file.read(path)
    if not content.secrets.keys() >= set(Purpose):
        content = key_file.change(path, lambda old: old.with_secrets(Purpose))
    return KeyRing(content.keys, content.current, content.secrets, path, is_new=is_new)


def add_key(path: Path) -> KeyRing:
    """Put a new sealing key on the ring, which seals from now on; the others stay.

    :raises KeyFileError: for a file that is unreadable, malformed or readable by others.
    """
    content = key_file.change(path, lambda old: old.with_key(os.urandom(KEY_BYTES)))
    return KeyRing(content.keys, content.current, content.secrets, path)


def drop_keys(path: Path, ids: Iterable[str]) -> KeyRing:
    """Take keys off the ring that nothing is sealed with any more; never the current one.

    :raises KeyFileError: for a file that is unreadable, malformed or readable by others.
    """
    gone = frozenset(ids)
    content = key_file.change(path, lambda old: old.without_keys(gone))
    return KeyRing(content.keys, content.current, content.secrets, path)
