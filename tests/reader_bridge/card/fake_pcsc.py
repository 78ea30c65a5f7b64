"""A PC/SC that reports any result code from any of its functions."""

from collections.abc import Sequence

from reader_bridge.card.pcsc_library import PROTOCOL_T1, ReaderEvent, ReaderFlag
from reader_bridge.card.pcsc_results import PcscResult
from reader_bridge.virtual_card.card import VirtualCard

READER = "Fake Reader 00 00"
FUNCTIONS = (
    "establish",
    "list_readers",
    "wait_for_change",
    "connect",
    "reconnect",
    "transmit",
)


class FakePcsc:
    """One reader with one card.

    :param failing: the function that fails.
    :param result: its result code.
    """

    def __init__(
        self, card: VirtualCard, failing: str = "", result: int = PcscResult.SUCCESS
    ) -> None:
        self._card, self._failing, self._result = card, failing, result

    def establish(self) -> tuple[int, int]:
        return self._code("establish"), 1

    def release(self, _context: int) -> int:
        return PcscResult.SUCCESS

    def cancel(self, _context: int) -> int:
        return PcscResult.SUCCESS

    def list_readers(self, _context: int) -> tuple[int, list[str]]:
        return self._code("list_readers"), [READER]

    def wait_for_change(
        self, _context: int, _milliseconds: int, known: Sequence[tuple[str, int]]
    ) -> tuple[int, list[ReaderEvent]]:
        flags = ReaderFlag.CHANGED | ReaderFlag.PRESENT
        events = [ReaderEvent(name, flags, self._card.atr) for name, _ in known if name == READER]
        return self._code("wait_for_change"), events

    def connect(self, _context: int, _reader: str, _share: int) -> tuple[int, int, int]:
        self._card.power_on()
        return self._code("connect"), 2, PROTOCOL_T1

    def reconnect(self, _card: int, _share: int, _initialisation: int) -> tuple[int, int]:
        self._card.reset()
        return self._code("reconnect"), PROTOCOL_T1

    def transmit(self, _card: int, _protocol: int, command: bytearray) -> tuple[int, bytes]:
        return self._code("transmit"), self._card.transmit(command)

    def disconnect(self, _card: int, _disposition: int) -> int:
        self._card.power_off()
        return PcscResult.SUCCESS

    def _code(self, function: str) -> int:
        return int(self._result if function == self._failing else PcscResult.SUCCESS)


class EndingPcsc(FakePcsc):
    """A service that ends during the first call of a function, as pcsc-lite tells it."""

    def __init__(self, card: VirtualCard, failing: str) -> None:
        super().__init__(card, failing, PcscResult.SECURITY_VIOLATION)
        self._has_ended = False

    def _code(self, function: str) -> int:
        if self._has_ended:
            return PcscResult.NO_SERVICE
        self._has_ended = function == self._failing
        return super()._code(function)
