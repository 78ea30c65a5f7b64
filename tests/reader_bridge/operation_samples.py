"""Parameters of every operation, and what is typed for them."""

from reader_bridge.prompter import PinKind
from reader_bridge.protocol import PinPurpose
from reader_bridge.protocol.operation_payloads import (
    ChangePin,
    ListReaders,
    Parameters,
    ProvePossession,
    ReadCardStatus,
    ReadCertificate,
    SetPin,
)
from tests.reader_bridge.card.card_issuer import SERIAL

NONCE = bytes(32)
PIN, NEW_PIN = b"first123", b"second45"
TYPED_SECRETS = {PinKind.CURRENT: [PIN], PinKind.NEW: [NEW_PIN]}
CARD_OPERATIONS: list[Parameters] = [
    ReadCardStatus(),
    ReadCertificate(),
    ProvePossession(NONCE),
    ChangePin(),
    SetPin(PinPurpose.UNLOCK, SERIAL.hex(), NONCE),
]
"""Every operation on a card."""
ALL_OPERATIONS: list[Parameters] = [
    ListReaders(),
    *CARD_OPERATIONS[:3],
    CARD_OPERATIONS[4],
    SetPin(PinPurpose.ACTIVATE, SERIAL.hex(), NONCE),
    SetPin(PinPurpose.UNLOCK, "00ff", NONCE),
    CARD_OPERATIONS[3],
]
"""All that a server can ask of a bridge."""
