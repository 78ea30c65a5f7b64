"""The PIN of a virtual card. A try is spent, on the disk, before the PIN is checked."""

import hmac
import secrets
from collections.abc import Callable

from reader_bridge.virtual_card.card_content import (
    MAX_PIN_LENGTH,
    MIN_PIN_LENGTH,
    CardState,
    PinVerifier,
)
from reader_bridge.virtual_card.passphrase_encryption import SALT_BYTES, derive_key

PIN_COST = 2**10
"""Low, because the hash is itself sealed under the passphrase's much more expensive key."""


class PinStore:
    """Checks and sets the PIN in a card's state.

    :param save: writes the state to the disk, and returns when it is there.
    """

    def __init__(self, state: CardState, save: Callable[[], None], cost: int = PIN_COST) -> None:
        self._state, self._save, self._cost = state, save, cost

    @property
    def is_blocked(self) -> bool:
        """Whether no try is left, or no PIN was ever set."""
        return self._state.pin is None or self._state.pin_tries <= 0

    def verify(self, candidate: bytearray) -> bool:
        """Check a PIN, spending a try; a correct one restores all tries."""
        if not self._spend_and_compare(candidate):
            return False
        self._state.pin_tries = self._state.pin_limit
        self._save()
        return True

    def change(self, old: bytearray, new: bytearray) -> bool:
        """Set a new PIN where the old one is correct, spending a try where it is not."""
        if not self._spend_and_compare(old):
            return False
        self.set(new)
        return True

    def split(self, both: bytearray) -> tuple[bytearray, bytearray]:
        """Split an old and a new PIN that came as one string; the old one's length is known."""
        length = self._state.pin.length if self._state.pin else 0
        return both[:length], both[length:]

    def set(self, pin: bytearray) -> None:
        """Set the PIN, with all its tries."""
        salt = secrets.token_bytes(SALT_BYTES)
        digest = derive_key(pin, salt, self._cost)
        self._state.pin = PinVerifier(salt, digest, len(pin), self._cost)
        self._state.pin_tries = self._state.pin_limit
        self._save()

    def _spend_and_compare(self, candidate: bytearray) -> bool:
        verifier = self._state.pin
        if verifier is None or self.is_blocked:
            return False
        self._state.pin_tries -= 1
        self._save()
        digest = derive_key(candidate, verifier.salt, verifier.cost)
        return hmac.compare_digest(digest, verifier.digest)


def is_valid_new_pin(pin: bytearray) -> bool:
    """Whether the card accepts this as a new PIN: 6 to 8 characters, no spaces."""
    return MIN_PIN_LENGTH <= len(pin) <= MAX_PIN_LENGTH and all(
        0x21 <= byte <= 0x7E for byte in pin
    )
