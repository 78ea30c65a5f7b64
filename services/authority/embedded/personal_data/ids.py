"""Ids: random, so that they say nothing and cannot be guessed."""

import secrets


def new_id() -> str:
    """Draw an id of 128 bits, as 32 hex digits."""
    return secrets.token_hex(16)
