"""The protocol between a bridge and a server: messages, limits, pairing, and the signed statement.

It needs nothing but Python, and it is all that other rooms may use of the bridge.
docs/bridge-protocol.md is generated from it by :mod:`tools.protocol_docs`.
"""

from reader_bridge.protocol.enums import (
    ByeReason,
    KeyRole,
    Operation,
    PairRefusal,
    PinPurpose,
    ProfileName,
    ProgressStep,
    ProtocolErrorCode,
    SessionState,
    SignatureAlgorithm,
    UnpairReason,
)
from reader_bridge.protocol.errors import ProtocolError, UnknownOperationError
from reader_bridge.protocol.failure_codes import (
    FAILURE_ADVICE,
    FailureAdvice,
    FailureCode,
    FailureValues,
)
from reader_bridge.protocol.fields import (
    LONG_PAIRING_CODE_LENGTH,
    PAIRING_CODE_ALPHABET,
    PAIRING_CODE_LENGTH,
)
from reader_bridge.protocol.messages import (
    BridgeMessage,
    Frame,
    ServerMessage,
    encode_frame,
    parse_frame,
)
from reader_bridge.protocol.pairing_proofs import (
    compute_commitment,
    compute_resume_proof,
    derive_pairing_words,
    normalise_code,
)
from reader_bridge.protocol.possession_statement import build_possession_statement, origin_of
from reader_bridge.protocol.sequence_numbers import IncomingSequence, OutgoingSequence
from reader_bridge.protocol.word_list import PAIRING_WORDS, PairingWord

__all__ = [
    "FAILURE_ADVICE",
    "LONG_PAIRING_CODE_LENGTH",
    "PAIRING_CODE_ALPHABET",
    "PAIRING_CODE_LENGTH",
    "PAIRING_WORDS",
    "BridgeMessage",
    "ByeReason",
    "FailureAdvice",
    "FailureCode",
    "FailureValues",
    "Frame",
    "IncomingSequence",
    "KeyRole",
    "Operation",
    "OutgoingSequence",
    "PairRefusal",
    "PairingWord",
    "PinPurpose",
    "ProfileName",
    "ProgressStep",
    "ProtocolError",
    "ProtocolErrorCode",
    "ServerMessage",
    "SessionState",
    "SignatureAlgorithm",
    "UnknownOperationError",
    "UnpairReason",
    "build_possession_statement",
    "compute_commitment",
    "compute_resume_proof",
    "derive_pairing_words",
    "encode_frame",
    "normalise_code",
    "origin_of",
    "parse_frame",
]
