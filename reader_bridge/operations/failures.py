"""The failure of an operation, and the failure for each error of a card."""

from reader_bridge.card.connection import readable_name
from reader_bridge.card.errors import (
    AdminKeyRejectedError,
    AdminTriesLowError,
    ApduError,
    CardError,
    InvalidPinError,
    InvalidPukError,
    LastTryError,
    PinBlockedError,
    PinOperationRefusedError,
    PukBlockedError,
    ReaderError,
    UnexpectedPcscError,
)
from reader_bridge.card.profiles.pin_card import PIN_CHANGING_INSTRUCTIONS
from reader_bridge.protocol.enums import ProfileName
from reader_bridge.protocol.failure_codes import FailureCode, FailureValues

REFUSED_SW1 = range(0x67, 0x6F)
"""SW1 of a command that the card refused before it did anything (ISO/IEC 7816-4 §5.6)."""
_FAILURE_CODES = {
    "no_card": FailureCode.CARD_REMOVED,
    "stopped": FailureCode.CANCELLED,
    "last_try": FailureCode.PIN_NOT_ENTERED,
    "cryptogram_format": FailureCode.INTERNAL_ERROR,
    "access_not_exclusive": FailureCode.INTERNAL_ERROR,
    "out_of_order": FailureCode.INTERNAL_ERROR,
    "card_error": FailureCode.CARD_REFUSED,
}


class OperationFailedError(Exception):
    """An operation failed.

    :ivar code: why.
    :ivar values: the values that belong to the code.
    """

    def __init__(self, code: FailureCode, values: FailureValues | None = None) -> None:
        super().__init__(code.value)
        self.code = code
        self.values = values or FailureValues()


def operation_failure(
    code: FailureCode,
    *,
    tries_left: int | None = None,
    tries_needed: int | None = None,
    profile: ProfileName | None = None,
    reader: str | None = None,
    pcsc_result: str | None = None,
) -> OperationFailedError:
    """Return the exception for a failure code and its values."""
    values = FailureValues(tries_left, tries_needed, profile, reader, pcsc_result)
    return OperationFailedError(code, values)


def failure_from_card(error: CardError, unanswered: int | None = None) -> OperationFailedError:
    """Return the failure for a card's error.

    :param unanswered: the instruction that was sent last, where it got no answer.
    """
    if is_outcome_unknown(error, unanswered):
        return operation_failure(FailureCode.OUTCOME_UNKNOWN)
    code = _failure_code(error)
    match error:
        case PinOperationRefusedError():
            return operation_failure(code, profile=error.profile)
        case AdminTriesLowError():
            return operation_failure(
                code, tries_left=error.attempts_remaining, tries_needed=error.required
            )
        case InvalidPinError() | InvalidPukError() | LastTryError() | AdminKeyRejectedError():
            return operation_failure(code, tries_left=error.attempts_remaining)
        case PinBlockedError() | PukBlockedError():
            return operation_failure(code, tries_left=0)
        case UnexpectedPcscError():
            return operation_failure(code, pcsc_result=f"0x{error.result:08X}")
        case ReaderError():
            return operation_failure(code, reader=readable_name(error.reader))
    return operation_failure(code)


def is_outcome_unknown(error: CardError, unanswered: int | None) -> bool:
    """Whether the card may have set another PIN although it did not confirm it."""
    if unanswered in PIN_CHANGING_INSTRUCTIONS:
        return True
    return (
        isinstance(error, ApduError)
        and error.instruction in PIN_CHANGING_INSTRUCTIONS
        and error.status_word >> 8 not in REFUSED_SW1
    )


def _failure_code(error: CardError) -> FailureCode:
    return _FAILURE_CODES.get(error.code) or FailureCode(error.code)
