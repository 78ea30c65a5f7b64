"""Encodings of the protocol: bytes, statement of possession, the two words."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from tests.services.bridge.reference_card import ReferenceCard

ORIGIN = "wss://kaika.test"
CONTEXT = b"Kaika reader bridge: statement of possession, version 1\x00"
Message = dict[str, Any]


def card_report(card: ReferenceCard, **changes: Any) -> Message:
    """Return the value of `card_status`."""
    tries = {"remaining": 3 if card.pin_is_set else 0, "limit": 3}
    return {
        "reader": "Reader",
        "profile": "gids",
        "card_serial": card.serial,
        "pin": tries,
        "admin": {"remaining": card.admin_tries, "limit": 5},
        "certificates": ["authentication"],
        "possible": ["card_status", "prove_possession", "set_pin", "change_pin"],
        **changes,
    }


def possession_statement(
    origin: str, server_nonce: bytes, bridge_nonce: bytes, operation: str, serial: str
) -> bytes:
    said = CONTEXT + hashlib.sha256(origin.encode()).digest() + server_nonce + bridge_nonce
    for part in (operation.encode(), serial.encode()):
        said += bytes([len(part)]) + part
    return said


def commitment_to(session: str, server_nonce: bytes) -> bytes:
    said = b"kaika-bridge commitment v2" + bytes([len(session)]) + session.encode() + server_nonce
    return hashlib.sha256(said).digest()


def word_numbers(
    code: str, origin: str, session: str, server_nonce: bytes, bridge_nonce: bytes
) -> tuple[int, int]:
    """Derive the numbers of the two words."""
    said = b"kaika-bridge words v2" + hashlib.sha256(origin.encode()).digest()
    said += bytes([len(session)]) + session.encode() + commitment_to(session, server_nonce)
    said += bridge_nonce + server_nonce
    digest = hmac.digest(code.encode(), said, hashlib.sha256)
    first = int.from_bytes(digest[:2], "big") % 256
    second = int.from_bytes(digest[2:4], "big") % 255
    return first, second + (second >= first)


def encode_bytes(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")


def decode_bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
