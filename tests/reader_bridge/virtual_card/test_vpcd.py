"""What a card says to `vpcd`, over a line of the test's own."""

import socket
from collections.abc import Iterator

import pytest

from reader_bridge.virtual_card.card import VirtualCard
from tests.reader_bridge.virtual_card.misbehaviour import (
    MisbehavingCard,
    Misbehaviour,
    MisbehaviourKind,
)
from tests.reader_bridge.virtual_card.vpcd import PORT, VpcdReader, connect_to


class ReaderSlot:
    """The reader's end: where cards connect to."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(10)
        self.address = self._listener.getsockname()
        self.line: socket.socket | None = None

    def accept(self) -> None:
        self.line, _ = self._listener.accept()
        self.line.settimeout(10)

    def say(self, message: str) -> None:
        assert self.line is not None
        data = bytes.fromhex(message)
        self.line.sendall(len(data).to_bytes(2, "big") + data)

    def hear(self) -> str:
        assert self.line is not None
        length = self.line.recv(2, socket.MSG_WAITALL)
        return self.line.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL).hex()

    def ask(self, message: str) -> str:
        self.say(message)
        return self.hear()

    def close(self) -> None:
        if self.line is not None:
            self.line.close()
        self._listener.close()


@pytest.fixture
def slot() -> Iterator[ReaderSlot]:
    slot = ReaderSlot()
    yield slot
    slot.close()


@pytest.fixture
def vpcd(slot: ReaderSlot) -> Iterator[VpcdReader]:
    vpcd = VpcdReader(connect_to(*slot.address))
    yield vpcd
    vpcd.pull()


def test_it_tells_its_answer_to_reset_and_answers_commands(
    slot: ReaderSlot, vpcd: VpcdReader, card: VirtualCard
) -> None:
    vpcd.insert(card)
    slot.accept()
    assert slot.ask("04") == card.atr.hex()
    slot.say("01")
    assert slot.ask("00a4040009a00000039742544659 00").endswith("9000")
    assert slot.ask("00200080") == "63c3"
    slot.say("02")
    assert slot.ask("00200080") == "6985", "reset: nothing is selected"
    slot.say("00")
    assert slot.ask("") == "6700"


def test_a_pulled_card_ends_the_line(slot: ReaderSlot, vpcd: VpcdReader, card: VirtualCard) -> None:
    vpcd.insert(card)
    slot.accept()
    assert vpcd.inserted
    vpcd.pull()
    assert not vpcd.inserted
    assert slot.line is not None
    assert slot.line.recv(1) == b""


def test_a_card_ordered_to_be_pulled_pulls_itself(
    slot: ReaderSlot, vpcd: VpcdReader, card: VirtualCard
) -> None:
    vpcd.insert(
        MisbehavingCard(card, Misbehaviour(MisbehaviourKind.PULLED_AFTER, instruction=0xA4))
    )
    slot.accept()
    slot.say("00a4040009a0000003974254465900")
    assert slot.line is not None
    assert slot.line.recv(1) == b""


def test_a_card_comes_back_when_the_reader_does(
    slot: ReaderSlot, vpcd: VpcdReader, card: VirtualCard
) -> None:
    vpcd.insert(card)
    slot.accept()
    assert slot.line is not None
    slot.line.close()
    slot.accept()
    assert slot.ask("04") == card.atr.hex()


def test_without_a_reader_nothing_is_inserted(card: VirtualCard) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()
    vpcd = VpcdReader(connect_to(*nobody))
    with pytest.raises(OSError, match=r"."):
        vpcd.insert(card)
    assert not vpcd.inserted
    assert PORT == 0x8C7B
