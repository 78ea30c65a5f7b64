"""Fixtures of the bridge's tests: a card, its reader, and a real reader service."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reader_bridge.card.pcsc import PcscReaders
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import InsertableCard, VirtualReader
from tests.reader_bridge.card.card_issuer import CardTestAuthority
from tests.reader_bridge.card.pcsc_sandbox import READER, SECOND_READER, PcscSandbox
from tests.reader_bridge.card.snapshot_recorder import SnapshotRecorder, has_card
from tests.reader_bridge.virtual_card.vpcd import VpcdReader

NewCard = Callable[..., VirtualCard]
InsertCard = Callable[..., VpcdReader]


@pytest.fixture(scope="session")
def issuer() -> CardTestAuthority:
    """An authority with the keys of one card."""
    return CardTestAuthority()


@pytest.fixture
def new_card(issuer: CardTestAuthority, tmp_path: Path) -> Iterator[NewCard]:
    """Make cards, each in its own file."""
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
def pcsc_sandbox() -> Iterator[PcscSandbox]:
    """A real pcscd with two virtual readers, for everything in this process that uses PC/SC."""
    with (
        tempfile.TemporaryDirectory(prefix="kaika-room-") as directory,
        PcscSandbox(Path(directory)) as room,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("PCSCLITE_CSOCK_NAME", str(room.socket_path))
        yield room


@pytest.fixture
def pcsc_readers(pcsc_sandbox: PcscSandbox) -> PcscReaders:
    """The readers of that service."""
    return PcscReaders(busy_timeout=0)


@pytest.fixture
def snapshots(pcsc_readers: PcscReaders) -> Iterator[SnapshotRecorder]:
    """A record of what happens in them."""
    snapshots = SnapshotRecorder()
    watch = pcsc_readers.watch(snapshots)
    yield snapshots
    watch.close()


@pytest.fixture
def insert(pcsc_sandbox: PcscSandbox, snapshots: SnapshotRecorder) -> Iterator[InsertCard]:
    """Put cards in, and wait until PC/SC has seen them."""
    inserted: list[tuple[VpcdReader, str]] = []

    def put_in(card: InsertableCard, slot: int = 0) -> VpcdReader:
        name = (READER, SECOND_READER)[slot]
        snapshots.wait_until(has_card(name, False))
        vpcd = VpcdReader(lambda: pcsc_sandbox.connect(slot))
        vpcd.insert(card)
        inserted.append((vpcd, name))
        snapshots.wait_until(has_card(name))
        return vpcd

    yield put_in
    for vpcd, _ in inserted:
        vpcd.pull()
    for _, name in inserted:
        snapshots.wait_until(has_card(name, False))
