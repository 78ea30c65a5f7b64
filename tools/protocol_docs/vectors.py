"""Test vectors for other implementations, computed by this project's code."""

import hashlib
from typing import Final

from reader_bridge.protocol.enums import Operation
from reader_bridge.protocol.limits import NONCE_BYTES, SECRET_BYTES
from reader_bridge.protocol.pairing_proofs import (
    compute_commitment,
    compute_resume_proof,
    derive_pairing_words,
)
from reader_bridge.protocol.possession_statement import build_possession_statement

_CODE: Final = "ABCD2345"
_SESSION: Final = "AAECAwQFBgcICQoLDA0ODw"
_GREETING, _PAIR, _OFFER = (bytes([value]) * NONCE_BYTES for value in (0x11, 0x22, 0x66))
_SECRET: Final = bytes([0x33]) * SECRET_BYTES
_SERVER_NONCE, _BRIDGE_NONCE = (bytes([value]) * NONCE_BYTES for value in (0x44, 0x55))
_ORIGIN: Final = "wss://bridge.example"
_SERIAL: Final = "0a0b0c0d"


def vectors() -> tuple[tuple[str, str], ...]:
    """Return inputs and outcomes by name, in the order in which a reader needs them."""
    first, second = derive_pairing_words(
        _CODE, origin=_ORIGIN, session=_SESSION, server_nonce=_OFFER, bridge_nonce=_PAIR
    )
    statement = build_possession_statement(
        _ORIGIN,
        Operation.PROVE_POSSESSION,
        server_nonce=_SERVER_NONCE,
        bridge_nonce=_BRIDGE_NONCE,
        card_serial=_SERIAL,
    )
    return (
        ("code", _CODE),
        ("session", _SESSION),
        ("origin", _ORIGIN),
        ("nonce of pair", _PAIR.hex()),
        ("nonce of pair_offer", _OFFER.hex()),
        ("→ commitment", compute_commitment(_SESSION, _OFFER).hex()),
        ("→ the words", f"{first.english} {second.english}, {first.chinese} {second.chinese}"),
        ("nonce of greeting", _GREETING.hex()),
        ("resume_secret", _SECRET.hex()),
        ("→ proof", compute_resume_proof(_SECRET, _SESSION, _GREETING).hex()),
        ("server_nonce", _SERVER_NONCE.hex()),
        ("bridge_nonce", _BRIDGE_NONCE.hex()),
        ("operation", Operation.PROVE_POSSESSION.value),
        ("card_serial", _SERIAL),
        ("→ the statement", statement.hex()),
        ("→ its SHA-256", hashlib.sha256(statement).hexdigest()),
    )
