"""Pairing: how a code is read, and what both ends derive from it without sending it.

The two words are a short authentication string with commitment. The server commits itself to its
nonce before it knows the code and the bridge's nonce, and reveals it only after the code is spent;
so neither side, nor anybody between them, can try nonces until the words are what they want. One
code that a person types is one chance in 65,000. The words depend on the server's origin as each
side knows it, so that a relay at another address gets different words at its two ends.
"""

import hashlib
import hmac
from typing import Final

from reader_bridge.protocol.errors import ProtocolError
from reader_bridge.protocol.fields import PAIRING_CODE_ALPHABET, PAIRING_CODE_LENGTHS
from reader_bridge.protocol.word_list import PAIRING_WORDS, PairingWord

COMMITMENT_CONTEXT: Final = b"kaika-bridge commitment v2"
WORDS_CONTEXT: Final = b"kaika-bridge words v2"
RESUME_CONTEXT: Final = b"kaika-bridge resume v1"
_DROPPED: Final = str.maketrans("", "", " -\u2010\u2011\u2012\u2013\u2014\u00a0\u3000\t\n\r")


def normalise_code(text: str) -> str:
    """Return a code as it is sent, from what a person typed: small letters, spaces, dashes.

    :raises ProtocolError: the text cannot be a code.
    """
    code = text[:64].translate(_DROPPED).upper()
    if len(code) not in PAIRING_CODE_LENGTHS or any(
        letter not in PAIRING_CODE_ALPHABET for letter in code
    ):
        raise ProtocolError(field="code")
    return code


def compute_commitment(session: str, server_nonce: bytes) -> bytes:
    """Return the commitment to a nonce: SHA-256 over context, session and nonce.

    The length of the session stands before it in one byte.
    """
    return hashlib.sha256(COMMITMENT_CONTEXT + _with_length(session) + server_nonce).digest()


def derive_pairing_words(
    code: str, *, origin: str, session: str, server_nonce: bytes, bridge_nonce: bytes
) -> tuple[PairingWord, PairingWord]:
    """Derive the two words: HMAC-SHA256 by the code over what this pairing consists of.

    That is the context, SHA-256 of the origin, the session with its length before it in one byte,
    the commitment, the bridge's nonce and the server's. The first two bytes, as a number, choose
    the first word; the next two choose the second, from the words without the first.

    :param origin: of the server, as this side knows it itself; see
        :func:`reader_bridge.protocol.possession_statement.origin_of`.
    :param server_nonce: what the server committed itself to.
    """
    said = (
        WORDS_CONTEXT
        + hashlib.sha256(origin.encode("utf-8")).digest()
        + _with_length(session)
        + compute_commitment(session, server_nonce)
        + bridge_nonce
        + server_nonce
    )
    digest = hmac.digest(code.encode("ascii"), said, hashlib.sha256)
    first = int.from_bytes(digest[:2], "big") % len(PAIRING_WORDS)
    second = int.from_bytes(digest[2:4], "big") % (len(PAIRING_WORDS) - 1)
    return PAIRING_WORDS[first], PAIRING_WORDS[second + (second >= first)]


def compute_resume_proof(resume_secret: bytes, session: str, server_nonce: bytes) -> bytes:
    """Return the proof of a pairing: HMAC-SHA256 over context, session and nonce."""
    said = RESUME_CONTEXT + session.encode("ascii") + server_nonce
    return hmac.digest(resume_secret, said, hashlib.sha256)


def _with_length(session: str) -> bytes:
    said = session.encode("ascii")
    return bytes((len(said),)) + said
