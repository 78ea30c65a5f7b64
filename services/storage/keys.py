"""Encryption at rest: AES-256-GCM with keys in a file outside the database.

A sealed value is ``key id (1 byte length + text) ‖ nonce (12 bytes) ‖ ciphertext and tag``. Its
context (table, row, column) is authenticated as associated data, so that a value copied elsewhere
cannot be unsealed. Sealing keys are rotated: the newest seals, the others unseal older values. The
file also holds one secret for each `SecretPurpose`, which are never rotated.
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
    "SecretPurpose",
    "UnsealError",
    "add_key",
    "column_context",
    "drop_keys",
    "key_name",
    "load",
    "load_or_create",
]
_NONCE_BYTES = 12
_FINGERPRINTED = b"key_file"


def column_context(table: str, key: str | int, column: str) -> str:
    """Return the context that a value in a column is sealed for; `key` is that of its row."""
    return f"{table}/{key}/{column}"


class SecretPurpose(StrEnum):
    """Purpose of a secret in the key file; each has one only."""

    LOOKUP = "lookup"
    """Keyed hashes for lookups, such as of a sealed UI No."""
    PEPPER = "pepper"
    """Pepper of the hashes of subscriber codes."""
    ONE_TIME = "one_time"
    """Derivation of one-time codes, which are therefore not stored."""
    AUDIT = "audit"
    """Hash chain of the audit entries."""
    CARD_MASTER = "card_master"
    """Derivation of every card's admin key."""


class UnsealError(Exception):
    """A stored value cannot be unsealed: its key is lost, or it was changed or copied elsewhere.

    :ivar key_id: the key it was sealed with, empty for a malformed value.
    """

    def __init__(self, key_id: str) -> None:
        super().__init__(f"a stored value cannot be opened with key {key_id!r}")
        self.key_id = key_id


class KeyRing:
    """Sealing keys, the newest of which seals, and secrets."""

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
        self._key_fingerprints: Mapping[str, str] = {}
        self._set_keys(keys, current)

    def _set_keys(self, keys: Mapping[str, bytes], current: str) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._key_fingerprints = {key_id: _fingerprint(key) for key_id, key in keys.items()}
        self.current = current
        self._head = bytes([len(current)]) + current.encode()

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._ciphers)}: •••)"

    def delete_if_new(self) -> None:
        """Delete the key file if this ring created it, since another one is needed."""
        if self._is_new and self._path is not None:
            self._path.unlink(missing_ok=True)

    def add_missing_secrets(self) -> None:
        """Add secrets to the key file for purposes that are newer than it.

        :raises KeyFileError: when it cannot be read or written.
        """
        if self._path is not None and not self._secrets.keys() >= set(SecretPurpose):
            content = key_file.change(self._path, lambda old: old.with_secrets(SecretPurpose))
            self._secrets = dict(content.secrets)

    @property
    def path(self) -> Path:
        """The key file."""
        return self._path or Path()

    @property
    def ids(self) -> frozenset[str]:
        """Ids of the sealing keys."""
        return frozenset(self._ciphers)

    def fingerprints(self) -> dict[str, str]:
        """Return the fingerprint of every key and secret, by which another one is recognised.

        It is an HMAC of a fixed text under the key.
        """
        keys = {key_name(key_id): value for key_id, value in self._key_fingerprints.items()}
        secrets = {f"secret {name}": _fingerprint(value) for name, value in self._secrets.items()}
        return keys | secrets

    def secret(self, purpose: SecretPurpose) -> bytes:
        """Return the secret for `purpose`.

        :raises KeyFileError: if the ring has none.
        """
        try:
            return self._secrets[purpose]
        except KeyError:
            raise KeyFileError(self.path, f"its secret {purpose} is missing") from None

    def keyed_hash(self, purpose: SecretPurpose, *parts: str) -> bytes:
        """Return the HMAC-SHA256 of `parts` under the secret for `purpose`."""
        text = "\x1f".join(parts).encode()
        return hmac.digest(self.secret(purpose), text, "sha256")

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt `plain`, bound to `context`."""
        nonce = os.urandom(_NONCE_BYTES)
        cipher = self._ciphers[self.current]
        return self._head + nonce + cipher.encrypt(nonce, plain, context.encode())

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """Decrypt a value that was sealed with the same context.

        :raises UnsealError: if the key is not on the ring or the value was tampered with.
        """
        key_id, rest = _split(sealed)
        cipher = self._cipher(key_id)
        nonce, body = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
        if cipher is None or len(nonce) != _NONCE_BYTES:
            raise UnsealError(key_id)
        try:
            return cipher.decrypt(nonce, body, context.encode())
        except InvalidTag:
            raise UnsealError(key_id) from None

    def _cipher(self, key_id: str) -> AESGCM | None:
        """Find a key; read the file again for one that another process has added.

        :raises KeyFileError: when the file was replaced by one with other keys.
        """
        if key_id not in self._ciphers and self._path is not None:
            content = key_file.read(self._path)
            known = self._key_fingerprints
            read = {name: _fingerprint(key) for name, key in content.keys.items() if name in known}
            if any(known[name] != value for name, value in read.items()):
                raise KeyFileError(self._path, "it was replaced by another one; put it back")
            self._set_keys(content.keys, content.current)
        return self._ciphers.get(key_id)


def key_name(key_id: str) -> str:
    """Return the name of a sealing key among the fingerprints."""
    return f"key {key_id}"


def _fingerprint(key: bytes) -> str:
    return hmac.digest(key, _FINGERPRINTED, "sha256").hex()


def key_id_of(sealed: bytes) -> str:
    """Return the id of the key that a value was sealed with."""
    return _split(sealed)[0]


def _split(sealed: bytes) -> tuple[str, bytes]:
    size = sealed[0] if sealed else 0
    return sealed[1 : 1 + size].decode(errors="replace"), sealed[1 + size :]


def load_or_create(path: Path) -> KeyRing:
    """Read the key file, or create it (mode 600) with new keys.

    :raises KeyFileError: for a file that is unreadable, malformed or readable by others.
    """
    is_new = not path.exists()
    if is_new:
        key_file.create_key_file(path, key_file.KeyFileContent.generate(SecretPurpose))
    return load(path, is_new=is_new)


def load(path: Path, *, is_new: bool = False) -> KeyRing:
    """Read the key file.

    :raises KeyFileError: for a file that is missing, unreadable, malformed or readable by others.
    """
    content = key_file.read(path)
    return KeyRing(content.keys, content.current, content.secrets, path, is_new=is_new)


def add_key(path: Path) -> KeyRing:
    """Add a new sealing key to the file, which seals from now on.

    :raises KeyFileError: for a file that is unreadable, malformed or readable by others.
    """
    content = key_file.change(path, lambda old: old.with_key(os.urandom(KEY_BYTES)))
    return KeyRing(content.keys, content.current, content.secrets, path)


def drop_keys(path: Path, ids: Iterable[str]) -> KeyRing:
    """Remove sealing keys from the file that are no longer in use; never the current one.

    :raises KeyFileError: for a file that is unreadable, malformed or readable by others.
    """
    unused = frozenset(ids)
    content = key_file.change(path, lambda old: old.without_keys(unused))
    return KeyRing(content.keys, content.current, content.secrets, path)
