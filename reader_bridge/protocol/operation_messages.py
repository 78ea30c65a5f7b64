"""Messages of an operation, in the order in which they come, and of the end."""

from dataclasses import dataclass, field
from typing import Annotated

from reader_bridge.protocol.codec import TaggedUnion
from reader_bridge.protocol.failures import FailureCode, FailureValues
from reader_bridge.protocol.fields import (
    CardChallenge,
    CardSerial,
    Cryptogram,
    Deadline,
    Identifier,
    TryCount,
)
from reader_bridge.protocol.operations import PARAMETERS, RESULT_VALUES, Parameters, ResultValue
from reader_bridge.protocol.vocabulary import ByeReason, Operation, ProgressStep, ProtocolErrorCode


@dataclass(frozen=True, slots=True)
class StartOperation:
    """Begin an operation. One whose id the bridge knows already gets the same outcome again.

    :ivar operation_id: what everything about it will carry.
    :ivar operation: which.
    :ivar parameters: of that operation.
    :ivar deadline: seconds until the bridge gives up.
    """

    operation_id: Identifier
    operation: Operation
    parameters: Annotated[Parameters, TaggedUnion("operation", PARAMETERS)]
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class OperationProgress:
    """What an operation waits for. At most two of them come.

    :ivar operation_id: of which.
    :ivar step: for what.
    :ivar tries_left: with `wrong_pin`, where the card says it.
    """

    operation_id: Identifier
    step: ProgressStep
    tries_left: TryCount | None = None


@dataclass(frozen=True, slots=True)
class AdminChallenge:
    """The card's challenge; asks for the cryptogram of an operation that was authorised.

    :ivar operation_id: of which.
    :ivar card_serial: of the card it is from.
    :ivar host_challenge: 16 bytes, drawn by the bridge.
    :ivar card_challenge: 16 bytes, drawn by the card.
    """

    operation_id: Identifier
    card_serial: CardSerial
    host_challenge: CardChallenge
    card_challenge: CardChallenge


@dataclass(frozen=True, slots=True, repr=False)
class AdminCryptogram:
    """The administrator's proof for the card: one for an authorisation.

    :ivar operation_id: of which.
    :ivar cryptogram: three-key DES in CBC mode, zero IV, over card's challenge, host's, seven
        random bytes and `80`.
    """

    operation_id: Identifier
    cryptogram: Cryptogram


@dataclass(frozen=True, slots=True, repr=False)
class AdminAnswer:
    """The card's proof for the administrator.

    :ivar operation_id: of which.
    :ivar answer: the same over host's challenge, card's, seven bytes and `80`.
    """

    operation_id: Identifier
    answer: Cryptogram


@dataclass(frozen=True, slots=True)
class AdminVerified:
    """Whether that proof is right. Only then the card gets the new PIN.

    :ivar operation_id: of which.
    :ivar ok: it is.
    """

    operation_id: Identifier
    ok: bool


@dataclass(frozen=True, slots=True)
class OperationResult:
    """An operation came to its end.

    :ivar operation_id: which.
    :ivar operation: of which kind it is.
    :ivar value: what it gives.
    """

    operation_id: Identifier
    operation: Operation
    value: Annotated[ResultValue, TaggedUnion("operation", RESULT_VALUES)]


@dataclass(frozen=True, slots=True)
class OperationFailure:
    """An operation did not come to its end.

    :ivar operation_id: which.
    :ivar code: why.
    :ivar values: what there is to say beside the code.
    """

    operation_id: Identifier
    code: FailureCode
    values: FailureValues = field(default_factory=FailureValues)


@dataclass(frozen=True, slots=True)
class CancelOperation:
    """End an operation. One that is over already, or cannot be ended any more, goes on.

    :ivar operation_id: which.
    """

    operation_id: Identifier


@dataclass(frozen=True, slots=True)
class Bye:
    """The bridge goes, and its pairing with it.

    :ivar reason: why.
    """

    reason: ByeReason


@dataclass(frozen=True, slots=True)
class ErrorMessage:
    """Something was wrong with a message.

    :ivar code: what.
    """

    code: ProtocolErrorCode
