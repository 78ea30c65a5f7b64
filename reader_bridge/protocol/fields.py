"""The kinds of fields messages are made of, each with its bounds."""

from typing import Annotated, Final

from reader_bridge.protocol.codec import Octets, Text, Whole
from reader_bridge.protocol.limits import (
    MOST_CERTIFICATE_BYTES,
    MOST_SEQ,
    NONCE_BYTES,
    OPERATION_SECONDS,
    PAIRED_SECONDS,
    SECRET_BYTES,
)

CODE_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTWXYZ23456789"
"""Of pairing codes: 30 characters, none that looks like another."""
CODE_LENGTH: Final = 8

ApiLevel = Annotated[int, Whole(1, 1000)]
Identifier = Annotated[str, Text(64, 1, "[A-Za-z0-9_-]+")]
"""Of a session or an operation; chosen by the server, never twice."""
Sequence = Annotated[int, Whole(0, MOST_SEQ)]
Nonce = Annotated[bytes, Octets(NONCE_BYTES, NONCE_BYTES)]
Secret = Annotated[bytes, Octets(SECRET_BYTES, SECRET_BYTES)]
Proof = Annotated[bytes, Octets(32, 32)]
"""An HMAC-SHA256."""
Code = Annotated[str, Text(CODE_LENGTH, CODE_LENGTH, f"[{CODE_ALPHABET}]+")]
PersonName = Annotated[str, Text(128)]
Version = Annotated[str, Text(40, 1, "[0-9A-Za-z.+_-]+")]
Language = Annotated[str, Text(20, 2, "[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")]
Origin = Annotated[str, Text(300, 5)]

ReaderName = Annotated[str, Text(128, 1)]
CardSerial = Annotated[str, Text(64, 2, "([0-9a-f]{2})+")]
"""Of the chip, as hex; where it tells none, the first 16 bytes of the SHA-256 of its certificate
for authentication."""
CardNumber = Annotated[str, Text(16, 16, "[A-Z]{2}[0-9]{14}")]
"""IC card number (IC卡卡號)."""
Certificate = Annotated[bytes, Octets(1, MOST_CERTIFICATE_BYTES)]
"""An X.509 certificate, DER."""
Signature = Annotated[bytes, Octets(8, 1024)]
CardChallenge = Annotated[bytes, Octets(16, 16)]
Cryptogram = Annotated[bytes, Octets(40, 40)]

Count = Annotated[int, Whole(0, 255)]
Seconds = Annotated[int, Whole(0, PAIRED_SECONDS)]
Deadline = Annotated[int, Whole(1, OPERATION_SECONDS)]
