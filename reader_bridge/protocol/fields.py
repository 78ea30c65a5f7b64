"""The types of the fields of messages, each with its bounds."""

from typing import Annotated, Final

from reader_bridge.protocol.codec import BytesBounds, IntegerBounds, TextBounds
from reader_bridge.protocol.limits import (
    MAX_CERTIFICATE_BYTES,
    MAX_SEQ,
    NONCE_BYTES,
    OPERATION_SECONDS,
    PAIRED_SECONDS,
    SECRET_BYTES,
)

PAIRING_CODE_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTWXYZ23456789"
"""30 characters, none of which looks like another."""
PAIRING_CODE_LENGTH: Final = 8
LONG_PAIRING_CODE_LENGTH: Final = 10
"""Of the codes that are issued while many wrong ones come in."""
PAIRING_CODE_LENGTHS: Final = frozenset({PAIRING_CODE_LENGTH, LONG_PAIRING_CODE_LENGTH})

ApiLevel = Annotated[int, IntegerBounds(1, 1000)]
Identifier = Annotated[str, TextBounds(64, 1, "[A-Za-z0-9_-]+")]
"""Of a session or an operation; chosen by the server, and never used twice."""
SequenceNumber = Annotated[int, IntegerBounds(0, MAX_SEQ)]
Nonce = Annotated[bytes, BytesBounds(NONCE_BYTES, NONCE_BYTES)]
ResumeSecret = Annotated[bytes, BytesBounds(SECRET_BYTES, SECRET_BYTES)]
ResumeProof = Annotated[bytes, BytesBounds(32, 32)]
"""An HMAC-SHA256."""
Commitment = Annotated[bytes, BytesBounds(32, 32)]
"""A SHA-256."""
PairingCode = Annotated[
    str, TextBounds(LONG_PAIRING_CODE_LENGTH, PAIRING_CODE_LENGTH, f"[{PAIRING_CODE_ALPHABET}]+")
]
PersonName = Annotated[str, TextBounds(128)]
AppVersion = Annotated[str, TextBounds(40, 1, "[0-9A-Za-z.+_-]+")]
ReleaseVersion = Annotated[str, TextBounds(14, 5, "[0-9]{1,4}(\\.[0-9]{1,4}){2}")]
"""Of a release: three numbers."""
LanguageTag = Annotated[str, TextBounds(20, 2, "[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")]
Origin = Annotated[str, TextBounds(300, 5)]

ReaderName = Annotated[str, TextBounds(128, 1)]
PcscResultCode = Annotated[str, TextBounds(10, 10, "0x[0-9A-F]{8}")]
"""A result code of PC/SC, as hex."""
CardSerial = Annotated[str, TextBounds(64, 2, "([0-9a-f]{2})+")]
"""Of the chip, as hex; where it has none, the first 16 bytes of the SHA-256 of its certificate for
authentication."""
CardNumber = Annotated[str, TextBounds(16, 16, "[A-Z]{2}[0-9]{14}")]
"""IC card number (IC卡卡號)."""
Certificate = Annotated[bytes, BytesBounds(1, MAX_CERTIFICATE_BYTES)]
"""An X.509 certificate, DER."""
Signature = Annotated[bytes, BytesBounds(8, 1024)]
CardChallenge = Annotated[bytes, BytesBounds(16, 16)]
Cryptogram = Annotated[bytes, BytesBounds(40, 40)]

TryCount = Annotated[int, IntegerBounds(0, 255)]
Seconds = Annotated[int, IntegerBounds(0, PAIRED_SECONDS)]
Deadline = Annotated[int, IntegerBounds(1, OPERATION_SECONDS)]
