"""PC/SC: pyscard, and the system's own library for the calls that take or return a reader's name.

pyscard knows names in ASCII and UTF-8 only. To the system they are bytes in any encoding, on
Windows UTF-16. Here they are texts that keep every byte (`surrogateescape`), so that a name goes
back as it came, whatever it looks like. pyscard calls the same library in this process, so both
share contexts and cards.
"""

import ctypes
import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import Any, Protocol

from reader_bridge.card.errors import PcscMissingError
from reader_bridge.card.pcsc_results import PcscResult

IS_WINDOWS = sys.platform == "win32"
IS_MACOS = sys.platform == "darwin"
if IS_WINDOWS:
    _LIBRARY, _WIDE = "winscard.dll", "W"
elif IS_MACOS:
    _LIBRARY, _WIDE = "/System/Library/Frameworks/PCSC.framework/PCSC", ""
else:
    _LIBRARY, _WIDE = "libpcsclite.so.1", ""
SCOPE_USER = 0
SHARE_EXCLUSIVE, SHARE_SHARED = 1, 2
PROTOCOL_T0, PROTOCOL_T1 = 1, 2
ANY_PROTOCOL = PROTOCOL_T0 | PROTOCOL_T1
LEAVE_CARD, RESET_CARD = 0, 1
MAX_ATR_BYTES = 36 if IS_WINDOWS else 33
NEW_READER_NOTIFICATION = "\\\\?PnP?\\Notification"
"""PC/SC's pseudo reader for "a reader was plugged in or pulled out"."""
_ATTEMPTS = 5
"""Readers can be plugged in between two calls of which the first asks for a length."""

_Dword = ctypes.c_uint32 if IS_WINDOWS or IS_MACOS else ctypes.c_ulong
_Long = ctypes.c_int32 if IS_WINDOWS or IS_MACOS else ctypes.c_long
_Handle = ctypes.c_size_t if IS_WINDOWS else _Long
_Name = ctypes.c_wchar_p if IS_WINDOWS else ctypes.c_char_p
_character = ctypes.c_wchar if IS_WINDOWS else ctypes.c_char


class ReaderFlag(IntFlag):
    """The state of a reader, in its lower 16 bits; above them PC/SC counts changes."""

    UNAWARE = 0
    CHANGED = 0x0002
    PRESENT = 0x0020
    EXCLUSIVE = 0x0080
    MUTE = 0x0200


@dataclass(frozen=True, slots=True)
class ReaderEvent:
    """What PC/SC says of one reader.

    :ivar flags: see :class:`ReaderFlag`.
    :ivar atr: the card's answer to reset, empty without a card.
    """

    name: str
    flags: int
    atr: bytes = b""


class PcscFunctions(Protocol):
    """The functions of PC/SC that are used. Each returns its result code first."""

    def establish(self) -> tuple[int, int]:
        """Open a context."""

    def release(self, context: int) -> int:
        """Close a context."""

    def cancel(self, context: int) -> int:
        """End a wait in another thread."""

    def list_readers(self, context: int) -> tuple[int, list[str]]:
        """Return the names of the readers."""

    def wait_for_change(
        self, context: int, milliseconds: int, known: Sequence[tuple[str, int]]
    ) -> tuple[int, list[ReaderEvent]]:
        """Wait until a reader has another state than the known one."""

    def connect(self, context: int, reader: str, share: int) -> tuple[int, int, int]:
        """Power a card; return its handle and its protocol."""

    def reconnect(self, card: int, share: int, initialisation: int) -> tuple[int, int]:
        """Power a card again; return its protocol."""

    def transmit(self, card: int, protocol: int, command: bytearray) -> tuple[int, bytes]:
        """Send a command and return the answer."""

    def disconnect(self, card: int, disposition: int) -> int:
        """Release a card."""


class _ReaderState(ctypes.Structure):
    """`SCARD_READERSTATE`."""

    if IS_MACOS:
        _pack_ = 1
    _fields_ = (
        ("name", _Name),
        ("user_data", ctypes.c_void_p),
        ("known", _Dword),
        ("flags", _Dword),
        ("atr_length", _Dword),
        ("atr", ctypes.c_ubyte * MAX_ATR_BYTES),
    )


class PcscLibrary:
    """The functions of this system.

    :raises PcscMissingError: the system has no PC/SC, or pyscard is not installed.
    """

    def __init__(self, path: str = _LIBRARY) -> None:
        try:
            self._library: Any = ctypes.WinDLL(path) if IS_WINDOWS else ctypes.CDLL(path)  # type: ignore[attr-defined,unused-ignore]
            self._scard: Any = importlib.import_module("smartcard.scard")
        except (OSError, ImportError) as error:
            raise PcscMissingError from error

    def establish(self) -> tuple[int, int]:
        """Open a context."""
        result, context = self._scard.SCardEstablishContext(SCOPE_USER)
        return _to_unsigned(result), int(context)

    def release(self, context: int) -> int:
        """Close a context."""
        return _to_unsigned(self._scard.SCardReleaseContext(context))

    def cancel(self, context: int) -> int:
        """End a wait in another thread."""
        return _to_unsigned(self._scard.SCardCancel(context))

    def list_readers(self, context: int) -> tuple[int, list[str]]:
        """Return the names of the readers."""
        function = f"SCardListReaders{_WIDE}"
        for _ in range(_ATTEMPTS):
            length = _Dword(0)
            result = self._call(function, _Handle(context), None, None, ctypes.byref(length))
            if result != PcscResult.SUCCESS:
                return result, []
            buffer = (_character * max(1, length.value))()
            result = self._call(function, _Handle(context), None, buffer, ctypes.byref(length))
            if result != PcscResult.INSUFFICIENT_BUFFER:
                break
        if result != PcscResult.SUCCESS:
            return result, []
        names: Any = buffer[: length.value]
        end = "\0" if IS_WINDOWS else b"\0"
        return result, [_decode_name(name) for name in names.split(end) if name]

    def wait_for_change(
        self, context: int, milliseconds: int, known: Sequence[tuple[str, int]]
    ) -> tuple[int, list[ReaderEvent]]:
        """Wait until a reader has another state than the known one."""
        states = (_ReaderState * len(known))()
        for state, (name, flags) in zip(states, known, strict=True):
            state.name, state.known = _encode_name(name), flags
        result = self._call(
            f"SCardGetStatusChange{_WIDE}",
            _Handle(context),
            _Dword(milliseconds),
            states,
            _Dword(len(known)),
        )
        events = [
            ReaderEvent(name, int(state.flags), bytes(state.atr[: state.atr_length]))
            for state, (name, _) in zip(states, known, strict=True)
        ]
        return result, events

    def connect(self, context: int, reader: str, share: int) -> tuple[int, int, int]:
        """Power a card; return its handle and its protocol."""
        card, protocol = _Handle(), _Dword()
        result = self._call(
            f"SCardConnect{_WIDE}",
            _Handle(context),
            _Name(_encode_name(reader)),
            _Dword(share),
            _Dword(ANY_PROTOCOL),
            ctypes.byref(card),
            ctypes.byref(protocol),
        )
        return result, card.value, protocol.value

    def reconnect(self, card: int, share: int, initialisation: int) -> tuple[int, int]:
        """Power a card again; return its protocol."""
        result, protocol = self._scard.SCardReconnect(card, share, ANY_PROTOCOL, initialisation)
        return _to_unsigned(result), int(protocol)

    def transmit(self, card: int, protocol: int, command: bytearray) -> tuple[int, bytes]:
        """Send a command and return the answer. The copy for pyscard is overwritten."""
        is_t0 = protocol == PROTOCOL_T0
        header = self._scard.SCARD_PCI_T0 if is_t0 else self._scard.SCARD_PCI_T1
        numbers = list(command)
        try:
            result, answer = self._scard.SCardTransmit(card, header, numbers)
        finally:
            numbers[:] = [0] * len(numbers)
        return _to_unsigned(result), bytes(byte & 0xFF for byte in answer)

    def disconnect(self, card: int, disposition: int) -> int:
        """Release a card."""
        return _to_unsigned(self._scard.SCardDisconnect(card, disposition))

    def _call(self, name: str, *arguments: Any) -> int:
        function = getattr(self._library, name)
        function.restype = _Long
        return _to_unsigned(function(*arguments))


def _to_unsigned(result: int) -> int:
    return int(result) & 0xFFFFFFFF


def _encode_name(name: str) -> Any:
    return name if IS_WINDOWS else name.encode("utf-8", "surrogateescape")


def _decode_name(name: Any) -> str:
    return str(name) if IS_WINDOWS else bytes(name).decode("utf-8", "surrogateescape")
