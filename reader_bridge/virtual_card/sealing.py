"""Sealing under a passphrase: scrypt for the key, AES-256-GCM for what is sealed."""

import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

COST = 2**15
MAX_COST = 2**18
"""A file that asks for more is not opened: it could only be made to exhaust the machine."""
BLOCK, PARALLEL = 8, 1
SALT_BYTES, NONCE_BYTES, KEY_BYTES = 16, 12, 32


class CardUnsealError(Exception):
    """Sealed under another passphrase, or changed since."""


@dataclass(frozen=True, repr=False)
class PassphraseSeal:
    """A key made of a passphrase, with what is needed to make it again."""

    salt: bytes
    cost: int
    key: bytes

    @classmethod
    def new(cls, passphrase: str, cost: int = COST) -> "PassphraseSeal":
        """Make a key with a salt of its own."""
        return cls.from_salt(passphrase, secrets.token_bytes(SALT_BYTES), cost)

    @classmethod
    def from_salt(cls, passphrase: str, salt: bytes, cost: int) -> "PassphraseSeal":
        """Make the key again.

        :raises UnsealError: where the cost is not one we write.
        """
        if not 2 <= cost <= MAX_COST or cost & (cost - 1):
            raise CardUnsealError
        return cls(salt, cost, derive_key(passphrase.encode(), salt, cost))

    def close(self, plain: bytes, purpose: bytes) -> bytes:
        """Seal something for a purpose."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self.key).encrypt(nonce, plain, purpose)

    def open(self, sealed: bytes, purpose: bytes) -> bytes:
        """Open what was sealed for that purpose.

        :raises UnsealError: where it was not, or not with this key.
        """
        try:
            return AESGCM(self.key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], purpose)
        except (InvalidTag, ValueError) as error:
            raise CardUnsealError from error


def derive_key(secret: bytes | bytearray, salt: bytes, cost: int) -> bytes:
    """Derive 32 bytes of a secret by scrypt (RFC 7914)."""
    return Scrypt(salt=salt, length=KEY_BYTES, n=cost, r=BLOCK, p=PARALLEL).derive(secret)
