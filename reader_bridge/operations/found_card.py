"""A card that was found in a reader and read."""

import hashlib
from dataclasses import dataclass

from reader_bridge.card.connection import ReaderState
from reader_bridge.card.profiles.base import CardCapability, CardProfile, CardStatus
from reader_bridge.operations.failures import operation_failure
from reader_bridge.prompter import CardLabel
from reader_bridge.protocol.failures import FailureCode
from reader_bridge.protocol.vocabulary import KeyRole, ProfileName

MAX_SERIAL_LENGTH = 64
"""As hex."""
FINGERPRINT_BYTES = 16


@dataclass(frozen=True)
class FoundCard:
    """A card that was looked at.

    :ivar state: its reader, as it was then.
    :ivar seen: its profile, over the connection that it was looked at by.
    :ivar certificate: where one was asked for.
    """

    reader_state: ReaderState
    profile: CardProfile
    status: CardStatus
    serial: str | None
    certificate: bytes | None = None

    def is_still_in(self, state: ReaderState) -> bool:
        """Tell whether no other card was put into its reader since then."""
        seen = self.reader_state
        return (seen.name, seen.changes, seen.atr) == (state.name, state.changes, state.atr)

    @property
    def kind(self) -> type[CardProfile]:
        """Its profile's class, for the rules of its PIN."""
        return type(self.profile)

    @property
    def profile_name(self) -> ProfileName:
        """As what it was recognised."""
        return self.status.profile

    @property
    def label(self) -> CardLabel:
        """What the person is told of it."""
        return CardLabel(self.profile_name, self.status.card_number, self.serial)

    def require(self, *verbs: CardCapability, serial: str | None = None) -> None:
        """See that it is the right card, and that it has the verbs.

        :raises OperationFailedError: where not.
        """
        if self.status.profile is ProfileName.UNKNOWN:
            raise operation_failure(FailureCode.CARD_UNKNOWN)
        if not self.status.capabilities.issuperset(verbs):
            raise operation_failure(FailureCode.OPERATION_REFUSED, profile=self.profile_name)
        if serial is not None and serial != self.serial:
            raise operation_failure(FailureCode.WRONG_CARD)


def chip_serial(profile: CardProfile, status: CardStatus) -> str | None:
    """Give the chip's serial; where it tells none, a fingerprint of its certificate."""
    if status.serial is not None:
        if not 2 <= len(status.serial) <= MAX_SERIAL_LENGTH:
            raise operation_failure(FailureCode.CARD_RESPONSE_INVALID)
        return status.serial
    if KeyRole.AUTHENTICATION not in status.certificates:
        return None
    certificate = profile.read_certificate(KeyRole.AUTHENTICATION)
    return hashlib.sha256(certificate).digest()[:FINGERPRINT_BYTES].hex()
