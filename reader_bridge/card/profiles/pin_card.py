"""What cards with a PIN have in common: sending a PIN, and the checks before it."""

import abc
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from reader_bridge.card.apdu import CommandApdu, Instruction, StatusWord
from reader_bridge.card.errors import (
    ApduError,
    CardError,
    InvalidPinError,
    LastTryError,
    NewPinRefusedError,
    PinBlockedError,
)
from reader_bridge.card.profiles.base import CardProfile, TryCounter
from reader_bridge.card.secret_buffer import SecretBuffer

PIN_REFERENCE = 0x80
"""The reference of the PIN, in P2."""
PIN_CHANGING_INSTRUCTIONS = frozenset(
    {Instruction.CHANGE_REFERENCE_DATA, Instruction.RESET_RETRY_COUNTER}
)
BLOCKED_STATUS_WORDS = (
    StatusWord.NO_TRIES_LEFT,
    StatusWord.AUTHENTICATION_METHOD_BLOCKED,
    StatusWord.REFERENCE_DATA_NOT_USABLE,
)
REFUSED_NEW_PIN_STATUS_WORDS = (StatusWord.CONDITIONS_NOT_SATISFIED, StatusWord.WRONG_DATA)
"""Of a new PIN that is too simple for the card, such as `6985` of a YubiKey 5.7."""
DIGEST_INFO_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")


class PinCardProfile(CardProfile):
    """A card application with a PIN of its own."""

    def verify_pin(self, pin: bytearray, *, accept_last_try: bool = False) -> None:
        """Verify the PIN."""
        self.pin_entry_rules.check(pin)
        check_tries(self._read_pin_tries(), accept_last_try=accept_last_try)
        self._send_pin(Instruction.VERIFY, 0x00, pin)

    def change_pin(
        self, old_pin: bytearray, new_pin: bytearray, *, accept_last_try: bool = False
    ) -> None:
        """Change the PIN with the current one."""
        self.pin_entry_rules.check(old_pin)
        self.new_pin_rules.check(new_pin)
        check_tries(self._read_pin_tries(), accept_last_try=accept_last_try)
        self._send_pin(Instruction.CHANGE_REFERENCE_DATA, 0x00, old_pin, new_pin)

    @abc.abstractmethod
    def _read_pin_tries(self) -> TryCounter:
        """Read the PIN's tries without spending one."""

    def _padding(self, pin: bytearray) -> bytes:
        """Return what follows a PIN in a command."""
        return b""

    def _send_pin(self, instruction: Instruction, p1: int, *pins: bytearray) -> None:
        parts = (part for pin in pins for part in (pin, self._padding(pin)))
        with concatenate_secrets(*parts) as data:
            answer = self.channel.exchange(
                CommandApdu(0x00, instruction, p1, PIN_REFERENCE, data, secret=True)
            )
        if not answer.ok:
            raise pin_error(answer.status_word, instruction)


def encode_digest_info(statement: bytes) -> bytes:
    """Return the DigestInfo of a statement's SHA-256, as PKCS #1 signs it (RFC 8017 §9.2)."""
    return DIGEST_INFO_SHA256 + hashlib.sha256(statement).digest()


def pin_error(status_word: int, instruction: int) -> CardError:
    """Return the error for the status word of a refused PIN.

    Cards report the remaining tries in five ways: `63Cx`, `6983`, `6984`, `630x`, `6300`.
    """
    if status_word in BLOCKED_STATUS_WORDS:
        return PinBlockedError()
    if instruction in PIN_CHANGING_INSTRUCTIONS and status_word in REFUSED_NEW_PIN_STATUS_WORDS:
        return NewPinRefusedError()
    if status_word >> 8 == 0x63 and status_word & 0xF0 in (0xC0, 0x00):
        return InvalidPinError(status_word & 0x0F or None)
    return ApduError(status_word, instruction)


def check_tries(counter: TryCounter, *, accept_last_try: bool) -> None:
    """Check that a try may be spent.

    :raises PinBlockedError: there is none.
    :raises LastTryError: it could be the last, and nobody agreed.
    """
    if counter.is_blocked:
        raise PinBlockedError
    if counter.is_last_try and not accept_last_try:
        raise LastTryError(counter.remaining)


@contextmanager
def concatenate_secrets(*parts: bytes | bytearray) -> Iterator[SecretBuffer]:
    """Yield one buffer that holds all parts, and overwrite it afterwards."""
    buffer = SecretBuffer(sum(len(part) for part in parts))
    offset = 0
    for part in parts:
        buffer[offset : offset + len(part)] = part
        offset += len(part)
    with buffer:
        yield buffer
