"""A card that was found in a reader and read."""

import hashlib
from dataclasses import dataclass

from reader_bridge.card.connection import ReaderState
from reader_bridge.card.profiles.base import CardCapability, CardProfile, CardStatus
from reader_bridge.operations.failures import operation_failure
from reader_bridge.prompter import CardLabel
from reader_bridge.protocol.enums import KeyRole, ProfileName
from reader_bridge.protocol.failure_codes import FailureCode

MAX_SERIAL_LENGTH = 64
"""Hexadecimal digits."""
FINGERPRINT_BYTES = 16


@dataclass(frozen=True)
class FoundCard:
    """A card that was read.

    :ivar reader_state: the state of its reader at that time.
    :ivar profile: its profile, over the connection it was read by.
    :ivar certificate: of the role that was asked for.
    """

    reader_state: ReaderState
    profile: CardProfile
    status: CardStatus
    serial: str | None
    certificate: bytes | None = None

    def is_still_in(self, state: ReaderState) -> bool:
        """Whether the reader has held this card ever since."""
        then = self.reader_state
        return (then.name, then.changes, then.atr) == (state.name, state.changes, state.atr)

    @property
    def profile_name(self) -> ProfileName:
        """What the card was recognised as."""
        return self.status.profile

    @property
    def label(self) -> CardLabel:
        """The card as the person is told of it."""
        return CardLabel(self.profile_name, self.status.card_number, self.serial)

    def require(self, *capabilities: CardCapability, serial: str | None = None) -> None:
        """Check that the card is the expected one and has the capabilities.

        :raises OperationFailedError: it is unknown, lacks a capability, or has another serial.
        """
        if self.status.profile is ProfileName.UNKNOWN:
            raise operation_failure(FailureCode.CARD_UNKNOWN)
        if not self.status.capabilities.issuperset(capabilities):
            raise operation_failure(FailureCode.OPERATION_REFUSED, profile=self.profile_name)
        if serial is not None and serial != self.serial:
            raise operation_failure(FailureCode.WRONG_CARD)


def chip_serial(profile: CardProfile, status: CardStatus) -> str | None:
    """Return the serial of the chip; where it has none, a fingerprint of its certificate."""
    if status.serial is not None:
        if not 2 <= len(status.serial) <= MAX_SERIAL_LENGTH:
            raise operation_failure(FailureCode.CARD_RESPONSE_INVALID)
        return status.serial
    if KeyRole.AUTHENTICATION not in status.certificates:
        return None
    certificate = profile.read_certificate(KeyRole.AUTHENTICATION)
    return hashlib.sha256(certificate).digest()[:FINGERPRINT_BYTES].hex()
