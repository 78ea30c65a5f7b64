"""What every test of the bridge may ask for: a card, its reader, and a real reader service."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import VirtualReader
from tests.reader_bridge.card.issuer import Issuer
from tests.reader_bridge.card.reader_room import ReaderRoom

NewCard = Callable[..., VirtualCard]


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    """An authority with the keys of one card."""
    return Issuer()


@pytest.fixture
def new_card(issuer: Issuer, tmp_path: Path) -> Iterator[NewCard]:
    """Make cards, each in a file of its own."""
    made: list[VirtualCard] = []

    def make(pin: bytes | None = b"first123") -> VirtualCard:
        path = tmp_path / f"card{len(made)}.json"
        made.append(issuer.issue(path, pin))
        return made[-1]

    yield make
    for card in made:
        card.close()


@pytest.fixture
def card(new_card: NewCard) -> VirtualCard:
    """A card with the PIN `first123`."""
    return new_card()


@pytest.fixture
def reader(card: VirtualCard) -> VirtualReader:
    """A reader with that card."""
    return VirtualReader(card)


@pytest.fixture(scope="session")
def reader_room() -> Iterator[ReaderRoom]:
    """A real pcscd with two virtual readers, for everything in this process that asks PC/SC."""
    with (
        tempfile.TemporaryDirectory(prefix="kaika-room-") as directory,
        ReaderRoom(Path(directory)) as room,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("PCSCLITE_CSOCK_NAME", str(room.socket_path))
        yield room
