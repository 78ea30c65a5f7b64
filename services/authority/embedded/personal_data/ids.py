"""Random ids, which disclose nothing and cannot be guessed."""

import secrets


def new_id() -> str:
    """Return 128 random bits as 32 hex digits."""
    return secrets.token_hex(16)
