"""Pairing: how a code is read, and what both ends derive from it without sending it.

The two words show whether both ends take part in the same pairing. They depend on the code, the
session and a nonce of each side, so that somebody who joins two foreign connections gets different
words at their ends.
"""

import hashlib
import hmac
from typing import Final

from reader_bridge.protocol.errors import ProtocolError
from reader_bridge.protocol.fields import PAIRING_CODE_ALPHABET, PAIRING_CODE_LENGTH
from reader_bridge.protocol.word_list import PAIRING_WORDS, PairingWord

WORDS_CONTEXT: Final = b"kaika-bridge words v1"
RESUME_CONTEXT: Final = b"kaika-bridge resume v1"
_DROPPED: Final = str.maketrans("", "", " -\u2010\u2011\u2012\u2013\u2014\u00a0\u3000\t\n\r")


def normalise_code(text: str) -> str:
    """Return a code as it is sent, from what a person typed: small letters, spaces, dashes.

    :raises ProtocolError: the text cannot be a code.
    """
    code = text[:64].translate(_DROPPED).upper()
    if len(code) != PAIRING_CODE_LENGTH or any(
        letter not in PAIRING_CODE_ALPHABET for letter in code
    ):
        raise ProtocolError(field="code")
    return code


def derive_pairing_words(
    code: str, session: str, server_nonce: bytes, bridge_nonce: bytes
) -> tuple[PairingWord, PairingWord]:
    """Derive the two words: HMAC-SHA256 by the code over context, both nonces and the session.

    The first two bytes, as a number, choose the first word; the next two choose the second, from
    the words without the first.
    """
    said = WORDS_CONTEXT + server_nonce + bridge_nonce + session.encode("ascii")
    digest = hmac.digest(code.encode("ascii"), said, hashlib.sha256)
    first = int.from_bytes(digest[:2], "big") % len(PAIRING_WORDS)
    second = int.from_bytes(digest[2:4], "big") % (len(PAIRING_WORDS) - 1)
    return PAIRING_WORDS[first], PAIRING_WORDS[second + (second >= first)]


def compute_resume_proof(resume_secret: bytes, session: str, server_nonce: bytes) -> bytes:
    """Return the proof of a pairing: HMAC-SHA256 over context, session and nonce."""
    said = RESUME_CONTEXT + session.encode("ascii") + server_nonce
    return hmac.digest(resume_secret, said, hashlib.sha256)
