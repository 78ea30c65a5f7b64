"""The result codes of PC/SC, and what each means for the person.

The codes are those of Windows' winscard.h and of pcsc-lite, which are the same, and the codes of
Windows itself that its functions return as well. A code without a meaning of its own is reported
as it is.
"""

from collections.abc import Callable, Mapping
from enum import IntEnum
from types import MappingProxyType

from reader_bridge.card.errors import (
    CardContactLostError,
    CardError,
    CardInUseError,
    CardMuteError,
    CardNotRespondingError,
    CardRemovedError,
    CardResetError,
    CardUnsupportedError,
    NoCardError,
    ReaderAccessDeniedError,
    ReaderNotFoundError,
    ReaderServiceError,
    ReaderUnsupportedError,
    UnexpectedPcscError,
)


class PcscResult(IntEnum):
    """The result codes."""

    SUCCESS = 0
    INTERNAL_ERROR = 0x80100001
    CANCELLED = 0x80100002
    INVALID_HANDLE = 0x80100003
    INVALID_PARAMETER = 0x80100004
    INVALID_TARGET = 0x80100005
    NO_MEMORY = 0x80100006
    WAITED_TOO_LONG = 0x80100007
    INSUFFICIENT_BUFFER = 0x80100008
    UNKNOWN_READER = 0x80100009
    TIMEOUT = 0x8010000A
    SHARING_VIOLATION = 0x8010000B
    NO_SMARTCARD = 0x8010000C
    UNKNOWN_CARD = 0x8010000D
    CANT_DISPOSE = 0x8010000E
    PROTO_MISMATCH = 0x8010000F
    NOT_READY = 0x80100010
    INVALID_VALUE = 0x80100011
    SYSTEM_CANCELLED = 0x80100012
    COMM_ERROR = 0x80100013
    UNKNOWN_ERROR = 0x80100014
    INVALID_ATR = 0x80100015
    NOT_TRANSACTED = 0x80100016
    READER_UNAVAILABLE = 0x80100017
    SHUTDOWN = 0x80100018
    PCI_TOO_SMALL = 0x80100019
    READER_UNSUPPORTED = 0x8010001A
    DUPLICATE_READER = 0x8010001B
    CARD_UNSUPPORTED = 0x8010001C
    NO_SERVICE = 0x8010001D
    SERVICE_STOPPED = 0x8010001E
    UNEXPECTED = 0x8010001F
    ICC_INSTALLATION = 0x80100020
    ICC_CREATEORDER = 0x80100021
    UNSUPPORTED_FEATURE = 0x80100022
    DIR_NOT_FOUND = 0x80100023
    FILE_NOT_FOUND = 0x80100024
    NO_DIR = 0x80100025
    NO_FILE = 0x80100026
    NO_ACCESS = 0x80100027
    WRITE_TOO_MANY = 0x80100028
    BAD_SEEK = 0x80100029
    INVALID_CHV = 0x8010002A
    UNKNOWN_RES_MNG = 0x8010002B
    NO_SUCH_CERTIFICATE = 0x8010002C
    CERTIFICATE_UNAVAILABLE = 0x8010002D
    NO_READERS_AVAILABLE = 0x8010002E
    COMM_DATA_LOST = 0x8010002F
    NO_KEY_CONTAINER = 0x80100030
    SERVER_TOO_BUSY = 0x80100031
    PIN_CACHE_EXPIRED = 0x80100032
    NO_PIN_CACHE = 0x80100033
    READ_ONLY_CARD = 0x80100034
    UNSUPPORTED_CARD = 0x80100065
    UNRESPONSIVE_CARD = 0x80100066
    UNPOWERED_CARD = 0x80100067
    RESET_CARD = 0x80100068
    REMOVED_CARD = 0x80100069
    SECURITY_VIOLATION = 0x8010006A
    WRONG_CHV = 0x8010006B
    CHV_BLOCKED = 0x8010006C
    EOF = 0x8010006D
    CANCELLED_BY_USER = 0x8010006E
    CARD_NOT_AUTHENTICATED = 0x8010006F
    CACHE_ITEM_NOT_FOUND = 0x80100070
    CACHE_ITEM_STALE = 0x80100071
    CACHE_ITEM_TOO_BIG = 0x80100072

    WINDOWS_FILE_NOT_FOUND = 2
    WINDOWS_ACCESS_DENIED = 5
    WINDOWS_INVALID_HANDLE = 6
    WINDOWS_NOT_READY = 21
    WINDOWS_BAD_COMMAND = 22
    WINDOWS_CRC = 23
    WINDOWS_GEN_FAILURE = 31
    WINDOWS_SHARING_VIOLATION = 32
    WINDOWS_DEV_NOT_EXIST = 55
    WINDOWS_BROKEN_PIPE = 109
    """What a session of Remote Desktop without its readers gets."""
    WINDOWS_SEM_TIMEOUT = 121
    WINDOWS_BUSY = 170
    WINDOWS_NO_SUCH_DEVICE = 433
    WINDOWS_OPERATION_ABORTED = 995
    WINDOWS_SERVICE_NOT_ACTIVE = 1062
    WINDOWS_IO_DEVICE = 1117
    WINDOWS_DEVICE_NOT_CONNECTED = 1167
    WINDOWS_SERVER_UNAVAILABLE = 1722
    WINDOWS_CALL_FAILED = 1726


def _service_error(_reader: str) -> CardError:
    return ReaderServiceError()


def _access_error(_reader: str) -> CardError:
    return ReaderAccessDeniedError()


def _removed_error(_reader: str) -> CardError:
    return CardRemovedError()


def _reset_error(_reader: str) -> CardError:
    return CardResetError()


def _timeout_error(_reader: str) -> CardError:
    return CardNotRespondingError()


_R = PcscResult
MEANINGS: Mapping[PcscResult, Callable[[str], CardError]] = MappingProxyType(
    {
        _R.NO_SERVICE: _service_error,
        _R.SERVICE_STOPPED: _service_error,
        _R.SYSTEM_CANCELLED: _service_error,
        _R.SHUTDOWN: _service_error,
        _R.COMM_ERROR: _service_error,
        _R.INVALID_HANDLE: _service_error,
        _R.WINDOWS_INVALID_HANDLE: _service_error,
        _R.WINDOWS_BROKEN_PIPE: _service_error,
        _R.WINDOWS_OPERATION_ABORTED: _service_error,
        _R.WINDOWS_SERVICE_NOT_ACTIVE: _service_error,
        _R.WINDOWS_SERVER_UNAVAILABLE: _service_error,
        _R.WINDOWS_CALL_FAILED: _service_error,
        _R.SECURITY_VIOLATION: _access_error,
        _R.NO_ACCESS: _access_error,
        _R.WINDOWS_ACCESS_DENIED: _access_error,
        _R.UNKNOWN_READER: ReaderNotFoundError,
        _R.READER_UNAVAILABLE: ReaderNotFoundError,
        _R.NO_READERS_AVAILABLE: ReaderNotFoundError,
        _R.WINDOWS_FILE_NOT_FOUND: ReaderNotFoundError,
        _R.WINDOWS_BAD_COMMAND: ReaderNotFoundError,
        _R.WINDOWS_DEV_NOT_EXIST: ReaderNotFoundError,
        _R.WINDOWS_NO_SUCH_DEVICE: ReaderNotFoundError,
        _R.WINDOWS_DEVICE_NOT_CONNECTED: ReaderNotFoundError,
        _R.PCI_TOO_SMALL: ReaderUnsupportedError,
        _R.READER_UNSUPPORTED: ReaderUnsupportedError,
        _R.DUPLICATE_READER: ReaderUnsupportedError,
        _R.NO_SMARTCARD: NoCardError,
        _R.REMOVED_CARD: _removed_error,
        _R.RESET_CARD: _reset_error,
        _R.UNPOWERED_CARD: _reset_error,
        _R.SHARING_VIOLATION: CardInUseError,
        _R.WINDOWS_SHARING_VIOLATION: CardInUseError,
        _R.WINDOWS_BUSY: CardInUseError,
        _R.UNRESPONSIVE_CARD: CardMuteError,
        _R.UNSUPPORTED_CARD: CardUnsupportedError,
        _R.CARD_UNSUPPORTED: CardUnsupportedError,
        _R.UNKNOWN_CARD: CardUnsupportedError,
        _R.INVALID_ATR: CardUnsupportedError,
        _R.PROTO_MISMATCH: CardUnsupportedError,
        _R.NOT_TRANSACTED: CardContactLostError,
        _R.COMM_DATA_LOST: CardContactLostError,
        _R.WINDOWS_CRC: CardContactLostError,
        _R.WINDOWS_GEN_FAILURE: CardContactLostError,
        _R.WINDOWS_IO_DEVICE: CardContactLostError,
        _R.TIMEOUT: _timeout_error,
        _R.WAITED_TOO_LONG: _timeout_error,
        _R.NOT_READY: _timeout_error,
        _R.WINDOWS_NOT_READY: _timeout_error,
        _R.WINDOWS_SEM_TIMEOUT: _timeout_error,
    }
)
"""What is not here is unexpected: it belongs to functions that are never called."""
_WINDOWS_FACILITY, _FACILITY_BITS = 0x80070000, 0xFFFF0000
"""Windows' own codes as some drivers pass them on."""


def error_for(result: int, reader: str = "") -> CardError:
    """Return the error for a result code other than success.

    :param reader: the reader it is about; empty where it is about none.
    """
    code = result & 0xFFFFFFFF
    if code & _FACILITY_BITS == _WINDOWS_FACILITY:
        code &= 0xFFFF
    try:
        meaning = MEANINGS.get(PcscResult(code))
    except ValueError:
        meaning = None
    return meaning(reader) if meaning else UnexpectedPcscError(result & 0xFFFFFFFF)
