"""The functions of PC/SC as pyscard provides them, with result codes turned into errors."""

import importlib
from collections.abc import Callable
from typing import Any

from reader_bridge.card.connection import ReaderState
from reader_bridge.card.errors import (
    CardError,
    CardInUseError,
    CardMuteError,
    CardRemovedError,
    CardResetError,
    NoCardError,
    PcscMissingError,
    ReaderNotFoundError,
    ReaderServiceError,
)


class PcscApi:
    """The functions of PC/SC. Creating it loads pyscard.

    :raises PcscMissingError: pyscard is not installed.
    """

    def __init__(self) -> None:
        try:
            self.scard: Any = importlib.import_module("smartcard.scard")
        except ImportError as error:
            raise PcscMissingError from error
        self._names = {
            getattr(self.scard, name) & 0xFFFFFFFF: name
            for name in _ERRORS
            if hasattr(self.scard, name)
        }

    def name_of(self, result: int) -> str:
        """Return the name of a result code; its hex where it is not handled separately."""
        code = result & 0xFFFFFFFF
        return self._names.get(code, f"{code:08X}")

    def check(self, result: int, reader: str = "") -> None:
        """Raise the error of a result code.

        :raises CardError: for everything but success.
        """
        if result != self.scard.SCARD_S_SUCCESS:
            raise _ERRORS.get(self.name_of(result), _removed_error)(reader)

    def establish(self) -> int:
        """Open a context with the service."""
        result, context = self.scard.SCardEstablishContext(self.scard.SCARD_SCOPE_USER)
        self.check(result)
        return int(context)

    def release(self, context: int) -> None:
        """Close a context; ignores one that is dead."""
        self.scard.SCardReleaseContext(context)

    def reader_names(self, context: int) -> list[str]:
        """Return the names of the readers; empty where there are none."""
        result, names = self.scard.SCardListReaders(context, [])
        if self.name_of(result) == "SCARD_E_NO_READERS_AVAILABLE":
            return []
        self.check(result)
        return [str(name) for name in names]

    def reader_state(self, name: str, event: int, atr: list[int]) -> ReaderState:
        """Convert what PC/SC says of one reader."""
        return ReaderState(
            name=name,
            card_present=bool(event & self.scard.SCARD_STATE_PRESENT),
            atr=bytes(atr),
            in_use=bool(event & self.scard.SCARD_STATE_EXCLUSIVE),
            mute=bool(event & self.scard.SCARD_STATE_MUTE),
            changes=event >> 16 & 0xFFFF,
        )


def _removed_error(_reader: str) -> CardError:
    return CardRemovedError()


def _service_error(_reader: str) -> CardError:
    return ReaderServiceError()


_ERRORS: dict[str, Callable[[str], CardError]] = {
    "SCARD_E_NO_SERVICE": _service_error,
    "SCARD_E_SERVICE_STOPPED": _service_error,
    "SCARD_E_SYSTEM_CANCELLED": _service_error,
    "SCARD_E_INVALID_HANDLE": _service_error,
    "SCARD_F_COMM_ERROR": _service_error,
    "SCARD_E_UNKNOWN_READER": ReaderNotFoundError,
    "SCARD_E_READER_UNAVAILABLE": ReaderNotFoundError,
    "SCARD_E_NO_READERS_AVAILABLE": ReaderNotFoundError,
    "SCARD_E_NO_SMARTCARD": NoCardError,
    "SCARD_E_SHARING_VIOLATION": CardInUseError,
    "SCARD_W_RESET_CARD": lambda _reader: CardResetError(),
    "SCARD_W_REMOVED_CARD": _removed_error,
    "SCARD_E_NOT_TRANSACTED": _removed_error,
    "SCARD_W_UNPOWERED_CARD": _removed_error,
    "SCARD_W_UNRESPONSIVE_CARD": CardMuteError,
    "SCARD_E_TIMEOUT": _removed_error,
    "SCARD_E_CANCELLED": _removed_error,
}
