"""The messages of an operation in their order, and the messages that end a session."""

from dataclasses import dataclass, field
from typing import Annotated

from reader_bridge.protocol.codec import TaggedUnion
from reader_bridge.protocol.enums import ByeReason, Operation, ProgressStep, ProtocolErrorCode
from reader_bridge.protocol.failure_codes import FailureCode, FailureValues
from reader_bridge.protocol.fields import (
    CardChallenge,
    CardSerial,
    Cryptogram,
    Deadline,
    Identifier,
    TryCount,
)
from reader_bridge.protocol.operation_payloads import (
    PARAMETERS,
    RESULT_VALUES,
    Parameters,
    ResultValue,
)


@dataclass(frozen=True, slots=True)
class StartOperation:
    """Start an operation. One whose id the bridge already knows gets the same outcome again.

    :ivar operation_id: carried by every message about this operation.
    :ivar operation: which operation.
    :ivar parameters: of that operation.
    :ivar deadline: seconds until the bridge gives up.
    """

    operation_id: Identifier
    operation: Operation
    parameters: Annotated[Parameters, TaggedUnion("operation", PARAMETERS)]
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class ProgressReport:
    """What an operation waits for. Sent whenever it changes; the newest counts.

    :ivar operation_id: the operation.
    :ivar step: what it waits for.
    :ivar tries_left: with `wrong_pin`, where the card says it.
    """

    operation_id: Identifier
    step: ProgressStep
    tries_left: TryCount | None = None


@dataclass(frozen=True, slots=True)
class AdminChallenge:
    """The card's challenge; asks for the cryptogram of an operation that was authorised.

    :ivar operation_id: the operation.
    :ivar card_serial: the card it is from.
    :ivar host_challenge: 16 bytes, drawn by the bridge.
    :ivar card_challenge: 16 bytes, drawn by the card.
    """

    operation_id: Identifier
    card_serial: CardSerial
    host_challenge: CardChallenge
    card_challenge: CardChallenge


@dataclass(frozen=True, slots=True, repr=False)
class AdminCryptogram:
    """The administrator's proof for the card; one for each authorisation.

    :ivar operation_id: the operation.
    :ivar cryptogram: three-key DES in CBC mode, zero IV, over card's challenge, host's, seven
        random bytes and `80`.
    """

    operation_id: Identifier
    cryptogram: Cryptogram


@dataclass(frozen=True, slots=True, repr=False)
class AdminAnswer:
    """The card's proof for the administrator.

    :ivar operation_id: the operation.
    :ivar answer: the same over host's challenge, card's, seven bytes and `80`.
    """

    operation_id: Identifier
    answer: Cryptogram


@dataclass(frozen=True, slots=True)
class AdminVerified:
    """Whether that proof is right. Only then the card gets the new PIN.

    :ivar operation_id: the operation.
    :ivar ok: the proof is right.
    """

    operation_id: Identifier
    ok: bool


@dataclass(frozen=True, slots=True)
class OperationResult:
    """An operation succeeded.

    :ivar operation_id: the operation.
    :ivar operation: which operation it was.
    :ivar value: its result.
    """

    operation_id: Identifier
    operation: Operation
    value: Annotated[ResultValue, TaggedUnion("operation", RESULT_VALUES)]


@dataclass(frozen=True, slots=True)
class OperationFailure:
    """An operation failed.

    :ivar operation_id: the operation.
    :ivar code: why.
    :ivar values: the values that belong to the code.
    """

    operation_id: Identifier
    code: FailureCode
    values: FailureValues = field(default_factory=FailureValues)


@dataclass(frozen=True, slots=True)
class CancelOperation:
    """Cancel an operation. One that has ended is left as it is.

    :ivar operation_id: the operation.
    """

    operation_id: Identifier


@dataclass(frozen=True, slots=True)
class Bye:
    """The bridge leaves, and its pairing ends.

    :ivar reason: why.
    """

    reason: ByeReason


@dataclass(frozen=True, slots=True)
class ErrorMessage:
    """A message was invalid or not allowed.

    :ivar code: what was wrong.
    """

    code: ProtocolErrorCode
