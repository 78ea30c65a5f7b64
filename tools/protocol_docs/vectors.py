"""Test vectors for other implementations, computed by this project's code."""

import hashlib
from typing import Final

from reader_bridge.protocol.enums import Operation
from reader_bridge.protocol.limits import NONCE_BYTES, SECRET_BYTES
from reader_bridge.protocol.pairing_proofs import compute_resume_proof, derive_pairing_words
from reader_bridge.protocol.possession_statement import build_possession_statement

_CODE: Final = "ABCD2345"
_SESSION: Final = "AAECAwQFBgcICQoLDA0ODw"
_GREETING, _HELLO = (bytes([value]) * NONCE_BYTES for value in (0x11, 0x22))
_SECRET: Final = bytes([0x33]) * SECRET_BYTES
_SERVER_NONCE, _BRIDGE_NONCE = (bytes([value]) * NONCE_BYTES for value in (0x44, 0x55))
_ORIGIN: Final = "wss://bridge.example"
_SERIAL: Final = "0a0b0c0d"


def vectors() -> tuple[tuple[str, str], ...]:
    """Return inputs and outcomes by name, in the order in which a reader needs them."""
    first, second = derive_pairing_words(_CODE, _SESSION, _GREETING, _HELLO)
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
        ("nonce of greeting", _GREETING.hex()),
        ("nonce of hello", _HELLO.hex()),
        ("→ the words", f"{first.english} {second.english}, {first.chinese} {second.chinese}"),
        ("resume_secret", _SECRET.hex()),
        ("→ proof", compute_resume_proof(_SECRET, _SESSION, _GREETING).hex()),
        ("origin", _ORIGIN),
        ("server_nonce", _SERVER_NONCE.hex()),
        ("bridge_nonce", _BRIDGE_NONCE.hex()),
        ("operation", Operation.PROVE_POSSESSION.value),
        ("card_serial", _SERIAL),
        ("→ the statement", statement.hex()),
        ("→ its SHA-256", hashlib.sha256(statement).hexdigest()),
    )
