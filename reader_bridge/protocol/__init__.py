"""What a bridge and a server say to each other. All the other rooms know of the bridge.

Imports nothing of ours and nothing of others. docs/bridge-protocol.md is made from it.
"""

from reader_bridge.protocol.errors import ProtocolError, UnknownOperationError
from reader_bridge.protocol.failures import ADVICE, Advice, FailureCode, FailureValues
from reader_bridge.protocol.fields import CODE_ALPHABET, CODE_LENGTH
from reader_bridge.protocol.messages import Frame, FromBridge, FromServer, open_frame, write_frame
from reader_bridge.protocol.numbers import Incoming, Outgoing
from reader_bridge.protocol.pairing import normalise_code, pairing_words, resume_proof
from reader_bridge.protocol.statement import origin_of, possession_statement
from reader_bridge.protocol.vocabulary import (
    ByeReason,
    CardProfile,
    ErrorCode,
    KeyRole,
    Operation,
    PairRefusal,
    Purpose,
    SessionState,
    SignatureAlgorithm,
    Step,
    UnpairReason,
)
from reader_bridge.protocol.words import WORDS, Word

__all__ = [
    "ADVICE",
    "CODE_ALPHABET",
    "CODE_LENGTH",
    "WORDS",
    "Advice",
    "ByeReason",
    "CardProfile",
    "ErrorCode",
    "FailureCode",
    "FailureValues",
    "Frame",
    "FromBridge",
    "FromServer",
    "Incoming",
    "KeyRole",
    "Operation",
    "Outgoing",
    "PairRefusal",
    "ProtocolError",
    "Purpose",
    "SessionState",
    "SignatureAlgorithm",
    "Step",
    "UnknownOperationError",
    "UnpairReason",
    "Word",
    "normalise_code",
    "open_frame",
    "origin_of",
    "pairing_words",
    "possession_statement",
    "resume_proof",
    "write_frame",
]
