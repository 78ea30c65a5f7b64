"""Every operation, and what is typed for it."""

from reader_bridge.prompter import PinKind
from reader_bridge.protocol import PinPurpose
from reader_bridge.protocol.operations import (
    ChangePin,
    ListReaders,
    Parameters,
    ProvePossession,
    ReadCardStatus,
    ReadCertificate,
    SetPin,
)
from tests.reader_bridge.card.issuer import SERIAL

NONCE = bytes(32)
PIN, NEW_PIN = b"first123", b"second45"
SECRETS = {PinKind.CURRENT: [PIN], PinKind.NEW: [NEW_PIN]}
ALL: list[Parameters] = [
    ReadCardStatus(),
    ReadCertificate(),
    ProvePossession(NONCE),
    ChangePin(),
    SetPin(PinPurpose.UNLOCK, SERIAL.hex(), NONCE),
]
"""Every operation on a card."""
EVERYTHING: list[Parameters] = [
    ListReaders(),
    *ALL[:3],
    ALL[4],
    SetPin(PinPurpose.ACTIVATE, SERIAL.hex(), NONCE),
    SetPin(PinPurpose.UNLOCK, "00ff", NONCE),
    ALL[3],
]
"""All that a server can ask of a bridge."""
