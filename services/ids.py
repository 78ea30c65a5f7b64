"""Random ids and nonces, which cannot be guessed."""

import secrets

NONCE_BYTES = 32


def new_id() -> str:
    """Return a random id of 128 bits, as 32 hex digits."""
    return secrets.token_hex(16)


def new_nonce() -> bytes:
    """Return 256 random bits, for a nonce or a secret."""
    return secrets.token_bytes(NONCE_BYTES)
