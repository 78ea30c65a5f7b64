"""Ids and nonces: random, so that they say nothing and cannot be guessed."""

import secrets

NONCE_BYTES = 32


def new_id() -> str:
    """Draw an id of 128 bits, as 32 hex digits."""
    return secrets.token_hex(16)


def new_nonce() -> bytes:
    """Draw 256 bits, for a nonce or a secret."""
    return secrets.token_bytes(NONCE_BYTES)
