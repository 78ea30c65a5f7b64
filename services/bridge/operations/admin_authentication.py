"""The issuer's half of the administrator's mutual authentication with a GIDS card.

Host and card each draw 16 bytes. The host proves itself with three-key DES in CBC mode, zero IV,
over *card's, host's, seven fresh bytes, 80*; the card answers with *host's, card's, seven of its
own, 80*. The key is derived, used and dropped here, on the server.
"""

import hmac
import secrets
from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import CBC

CHALLENGE_BYTES, CRYPTOGRAM_BYTES = 16, 40
_FRESH_BYTES, _END = 7, b"\x80"


@dataclass(frozen=True, repr=False)
class AuthenticationChallenge:
    """Random values of host and card in one authentication."""

    host: bytes
    card: bytes


def make_cryptogram(key: bytes, challenge: AuthenticationChallenge) -> bytes:
    """The host's proof for one challenge."""
    encryptor = _cipher(key).encryptor()
    fresh = secrets.token_bytes(_FRESH_BYTES)
    return encryptor.update(challenge.card + challenge.host + fresh + _END) + encryptor.finalize()


def verify_answer(key: bytes, challenge: AuthenticationChallenge, answer: bytes) -> bool:
    """Whether `answer` proves that the card has the key."""
    if len(answer) != CRYPTOGRAM_BYTES:
        return False
    decryptor = _cipher(key).decryptor()
    plain = decryptor.update(answer) + decryptor.finalize()
    is_equal = hmac.compare_digest(plain[: 2 * CHALLENGE_BYTES], challenge.host + challenge.card)
    return is_equal and plain[-1:] == _END


def _cipher(key: bytes) -> "Cipher[CBC]":
    return Cipher(TripleDES(key), CBC(bytes(8)))
