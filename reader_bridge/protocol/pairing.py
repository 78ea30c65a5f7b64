"""Pairing: how a code is typed, and what both ends make of it without sending it.

The two words tell whether both ends speak of the same pairing. They depend on the code, the
session and a fresh value of each side, so that who joins two foreign connections gets different
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
    """Read a code as a person types it: in small letters, with spaces or dashes.

    :raises ProtocolError: where it cannot be a code.
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

    The first two bytes of it, as a number, name the first word; the next two the second, from the
    words without the first.
    """
    said = WORDS_CONTEXT + server_nonce + bridge_nonce + session.encode("ascii")
    digest = hmac.digest(code.encode("ascii"), said, hashlib.sha256)
    first = int.from_bytes(digest[:2], "big") % len(PAIRING_WORDS)
    second = int.from_bytes(digest[2:4], "big") % (len(PAIRING_WORDS) - 1)
    return PAIRING_WORDS[first], PAIRING_WORDS[second + (second >= first)]


def compute_resume_proof(resume_secret: bytes, session: str, server_nonce: bytes) -> bytes:
    """Prove to have been paired in a session: HMAC-SHA256 over context, session and nonce."""
    said = RESUME_CONTEXT + session.encode("ascii") + server_nonce
    return hmac.digest(resume_secret, said, hashlib.sha256)
