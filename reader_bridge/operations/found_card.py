"""A card that was found in a reader and read."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from reader_bridge.card.connection import ReaderState
from reader_bridge.card.errors import (
    CardRemovedError,
    CertificateMissingError,
    MalformedResponseError,
)
from reader_bridge.card.profiles.base import CardCapability, CardProfile, CardStatus
from reader_bridge.operations.failures import operation_failure
from reader_bridge.prompter import CardLabel
from reader_bridge.protocol.enums import KeyRole, Operation, ProfileName
from reader_bridge.protocol.failure_codes import FailureCode

MAX_SERIAL_LENGTH = 64
"""Hexadecimal digits."""
FINGERPRINT_BYTES = 16
REQUIRED_CAPABILITIES: dict[Operation, frozenset[CardCapability]] = {
    Operation.READ_CERTIFICATE: frozenset({CardCapability.READ_CERTIFICATE}),
    Operation.PROVE_POSSESSION: frozenset({CardCapability.SIGN}),
    Operation.SET_PIN: frozenset({CardCapability.SET_PIN_AS_ADMIN, CardCapability.UNLOCK_WITH_PUK}),
    Operation.CHANGE_PIN: frozenset({CardCapability.CHANGE_PIN}),
}
"""An operation needs one of these; the others take any card, even an unknown one."""


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


@dataclass(frozen=True, slots=True)
class RecognisedCard:
    """A card of which nothing is known but what it is.

    :ivar state: the state of its reader at that time.
    :ivar profile: its profile, over a closed connection.
    :ivar serial: of the chip.
    """

    state: ReaderState
    profile: CardProfile
    serial: str | None

    @property
    def label(self) -> CardLabel:
        """The card as the person is told of it."""
        return CardLabel(self.profile.name, serial=self.serial)

    def can_be_used_for(self, operation: Operation) -> bool:
        """Whether a card of this kind is fit for an operation."""
        return can_be_used_for(self.profile.capabilities, operation)

    def find_state(self, states: Iterable[ReaderState]) -> ReaderState:
        """Return the state of its reader now.

        :raises CardRemovedError: the card was pulled out since.
        """
        then = self.state
        for now in states:
            if (now.name, now.changes, now.atr) == (then.name, then.changes, then.atr):
                return now
        raise CardRemovedError

    def ensure_same(self, card: FoundCard) -> None:
        """Check that a card that was read later is this one.

        :raises CardRemovedError: it is another one.
        """
        if (card.profile_name, card.serial) != (self.profile.name, self.serial):
            raise CardRemovedError


def can_be_used_for(capabilities: frozenset[CardCapability], operation: Operation) -> bool:
    """Whether a card with these capabilities is fit for an operation."""
    needed = REQUIRED_CAPABILITIES.get(operation)
    return needed is None or not needed.isdisjoint(capabilities)


def chip_serial(profile: CardProfile) -> str | None:
    """Return the serial of the chip; where it has none, a fingerprint of its certificate."""
    serial = profile.read_serial()
    if serial is not None:
        if not 2 <= len(serial) <= MAX_SERIAL_LENGTH:
            raise MalformedResponseError("length of serial")
        return serial
    if CardCapability.READ_CERTIFICATE not in profile.capabilities:
        return None
    try:
        certificate = profile.read_certificate(KeyRole.AUTHENTICATION)
    except CertificateMissingError:
        return None
    return hashlib.sha256(certificate).digest()[:FINGERPRINT_BYTES].hex()
