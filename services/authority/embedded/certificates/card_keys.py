"""The admin key of each card: derived from one master key and the card's serial, stored nowhere.

The derivation is KBKDF in counter mode with HMAC-SHA256 (NIST SP 800-108r1 §4.1): 32-bit counter
before the fixed data, label ``kaika card admin key``, context the serial's bytes, 32-bit length.
"""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode

from services.storage.keys import KeyRing, Purpose

ADMIN_KEY_BYTES = 24
"""Three keys of DES, as GIDS cards authenticate their administrator."""
LABEL = b"kaika card admin key"


def admin_key(keys: KeyRing, card_serial: str) -> bytes:
    """Derive the admin key of the card with this serial (hex)."""
    derivation = KBKDFHMAC(
        algorithm=SHA256(),
        mode=Mode.CounterMode,
        length=ADMIN_KEY_BYTES,
        rlen=4,
        llen=4,
        location=CounterLocation.BeforeFixed,
        label=LABEL,
        context=bytes.fromhex(card_serial),
        fixed=None,
    )
    return derivation.derive(keys.secret(Purpose.CARD_MASTER))
