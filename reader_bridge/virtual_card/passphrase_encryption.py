"""Encryption under a passphrase: scrypt for the key, AES-256-GCM for the content."""

import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

COST = 2**15
MAX_COST = 2**18
"""A file with a higher cost is not opened; it could only serve to exhaust the machine."""
BLOCK, PARALLEL = 8, 1
SALT_BYTES, NONCE_BYTES, KEY_BYTES = 16, 12, 32


class CardUnsealError(Exception):
    """The passphrase is wrong, or the content was changed."""


@dataclass(frozen=True, repr=False)
class PassphraseSeal:
    """A key derived from a passphrase, with what is needed to derive it again."""

    salt: bytes
    cost: int
    key: bytes

    @classmethod
    def new(cls, passphrase: str, cost: int = COST) -> "PassphraseSeal":
        """Derive a key with a new salt."""
        return cls.from_salt(passphrase, secrets.token_bytes(SALT_BYTES), cost)

    @classmethod
    def from_salt(cls, passphrase: str, salt: bytes, cost: int) -> "PassphraseSeal":
        """Derive the key again.

        :raises CardUnsealError: the cost is not one that is ever written.
        """
        if not 2 <= cost <= MAX_COST or cost & (cost - 1):
            raise CardUnsealError
        return cls(salt, cost, derive_key(passphrase.encode(), salt, cost))

    def close(self, plain: bytes, purpose: bytes) -> bytes:
        """Encrypt something for a purpose."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self.key).encrypt(nonce, plain, purpose)

    def open(self, sealed: bytes, purpose: bytes) -> bytes:
        """Decrypt what was encrypted for that purpose.

        :raises CardUnsealError: it was not, or not with this key.
        """
        try:
            return AESGCM(self.key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], purpose)
        except (InvalidTag, ValueError) as error:
            raise CardUnsealError from error


def derive_key(secret: bytes | bytearray, salt: bytes, cost: int) -> bytes:
    """Derive 32 bytes from a secret by scrypt (RFC 7914)."""
    return Scrypt(salt=salt, length=KEY_BYTES, n=cost, r=BLOCK, p=PARALLEL).derive(secret)
