"""The functions of PC/SC with result codes turned into errors."""

from collections.abc import Sequence
from time import sleep

from reader_bridge.card.connection import ReaderState
from reader_bridge.card.pcsc_library import RESET_CARD, PcscFunctions, ReaderEvent, ReaderFlag
from reader_bridge.card.pcsc_results import PcscResult, error_for

_ATTEMPTS = 5
"""A reader can be pulled out after it was listed."""
_DENIALS, _DENIAL_PAUSE = 2, 0.05
"""How often a context that was denied is asked for again, and seconds between."""


class PcscApi:
    """The functions of PC/SC. Each raises a :class:`CardError` where the system refuses."""

    def __init__(self, functions: PcscFunctions) -> None:
        self.functions = functions

    def establish(self) -> int:
        """Open a context with the service."""
        result, context = self.functions.establish()
        for _ in range(_DENIALS):  # see _ensure_success
            if result == PcscResult.SECURITY_VIOLATION:
                sleep(_DENIAL_PAUSE)
                result, context = self.functions.establish()
        if result != PcscResult.SUCCESS:
            raise error_for(result)
        return context

    def release(self, context: int) -> None:
        """Close a context; ignores one that is dead."""
        self.functions.release(context)

    def cancel(self, context: int) -> None:
        """End a wait in another thread; ignores a context that is dead."""
        self.functions.cancel(context)

    def reader_names(self, context: int) -> list[str]:
        """Return the names of the readers; empty where there are none."""
        result, names = self.functions.list_readers(context)
        if result == PcscResult.NO_READERS_AVAILABLE:
            return []
        self._ensure_success(result, context)
        return names

    def reader_states(self, context: int) -> tuple[ReaderState, ...]:
        """Return the state of each reader."""
        result, events = int(PcscResult.SUCCESS), list[ReaderEvent]()
        for _ in range(_ATTEMPTS):
            names = self.reader_names(context)
            if not names:
                return ()
            known = [(name, int(ReaderFlag.UNAWARE)) for name in names]
            result, events = self.functions.wait_for_change(context, 0, known)
            if result != PcscResult.UNKNOWN_READER:
                break
        self._ensure_success(result, context)
        return tuple(reader_state(event) for event in events)

    def is_card_present(self, context: int, reader: str, milliseconds: int) -> bool:
        """Whether a card is in a reader, and stays there for some time."""
        flags = int(ReaderFlag.UNAWARE)
        for patience in (0, milliseconds):
            for event in self.wait_for_change(context, patience, [(reader, flags)]) or ():
                flags = event.flags & ~ReaderFlag.CHANGED
            if not flags & ReaderFlag.PRESENT:
                return False
        return True

    def wait_for_change(
        self, context: int, milliseconds: int, known: Sequence[tuple[str, int]]
    ) -> list[ReaderEvent] | None:
        """Wait for a change and return the state of each reader; `None` where one was pulled."""
        result, events = self.functions.wait_for_change(context, milliseconds, known)
        if result in (PcscResult.TIMEOUT, PcscResult.CANCELLED):
            return []
        if result == PcscResult.UNKNOWN_READER:
            return None
        self._ensure_success(result, context)
        return events

    def connect(self, context: int, reader: str, share: int) -> tuple[int, int]:
        """Power a card; return its handle and its protocol."""
        result, card, protocol = self.functions.connect(context, reader, share)
        self._ensure_success(result, context, reader)
        return card, protocol

    def reset(self, context: int, card: int, share: int, reader: str) -> int:
        """Reset a card; return its protocol."""
        result, protocol = self.functions.reconnect(card, share, RESET_CARD)
        self._ensure_success(result, context, reader)
        return protocol

    def read_atr(self, context: int, reader: str) -> bytes:
        """Return the answer to reset of the card in a reader."""
        known = [(reader, int(ReaderFlag.UNAWARE))]
        result, events = self.functions.wait_for_change(context, 0, known)
        self._ensure_success(result, context, reader)
        return events[0].atr

    def transmit(
        self, context: int, card: int, protocol: int, command: bytearray, reader: str
    ) -> bytes:
        """Send a command and return the answer."""
        result, answer = self.functions.transmit(card, protocol, command)
        self._ensure_success(result, context, reader)
        return answer

    def disconnect(self, card: int, disposition: int) -> None:
        """Release a card; ignores one that is gone."""
        self.functions.disconnect(card, disposition)

    def _ensure_success(self, result: int, context: int, reader: str = "") -> None:
        """Raise the error of any other result.

        A service that ends during a call looks to pcsc-lite like one that denies access; whether
        the context is alive tells which it was.
        """
        if result == PcscResult.SECURITY_VIOLATION:
            alive, _ = self.functions.list_readers(context)
            if alive == PcscResult.SECURITY_VIOLATION:  # nobody is denied an open context
                result = int(PcscResult.SERVICE_STOPPED)
            elif alive not in (PcscResult.SUCCESS, PcscResult.NO_READERS_AVAILABLE):
                result = alive
        if result != PcscResult.SUCCESS:
            raise error_for(result, reader)


def reader_state(event: ReaderEvent) -> ReaderState:
    """Convert what PC/SC says of one reader."""
    return ReaderState(
        name=event.name,
        card_present=bool(event.flags & ReaderFlag.PRESENT),
        atr=event.atr,
        in_use=bool(event.flags & ReaderFlag.EXCLUSIVE),
        mute=bool(event.flags & ReaderFlag.MUTE),
        changes=event.flags >> 16 & 0xFFFF,
    )
